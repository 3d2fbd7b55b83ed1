// The inner loops of sparse projections and of the argmax, one set per instruction set, chosen at
// run time. Every set gives the same bits: a product and a sum are never fused, and lanes are
// independent rows or positions, so no order of summation changes.
//
// The files kernels_*.cpp are compiled for their instruction set: they include nothing but this
// header and kernels.inc, lest a library template compiled for it is shared with other files.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace tvm {

inline constexpr size_t kLanes = 64;  // positions in a tile: 30 slots of it fit a first-level cache

// y[row][lane] = sum over the row's entries of weight * x[column][lane]
struct SparseRows {
  const int32_t* starts;  // rows + 1
  const int32_t* columns;
  const double* weights;
  size_t rows;
};

// Rows that read the same columns, for one position: y[row] = sum of weights[i][row] * x[columns[i]].
// `rows` is a multiple of kRowStep.
inline constexpr size_t kRowStep = 8;
struct RowBlock {
  const int32_t* columns;
  const double* weights;  // (columns, rows)
  size_t count;           // of columns
  size_t rows;
};

struct Kernels {
  const char* name;
  void (*sparse)(const SparseRows& rows, const double* x, double* y);
  void (*block)(const RowBlock& block, const double* x, double* y);
  // best[lane] = max(best[lane], y[row][lane]), ids[row] to best_id[lane] where strictly greater.
  void (*argmax)(const double* y, size_t rows, const double* ids, double* best, double* best_id);
};

// The sets of this build that this machine can run, slowest first; the first is plain C++.
struct KernelList {
  const Kernels* items[4];
  size_t count;
};
const KernelList& available_kernels();

// The fastest.
const Kernels& kernels();

}  // namespace tvm
