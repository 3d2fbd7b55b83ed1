// The inner loops of sparse layers and of the argmax, one set per instruction set, chosen at run
// time. Every set gives the same bits: a product and a sum are never fused, and lanes are
// independent rows or positions, so no order of summation changes.
//
// The files kernels_*.cpp are compiled for their instruction set: they include nothing but this
// header and kernels.inc, lest a library template compiled for it is shared with other files.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace tvm {

inline constexpr size_t kLanes = 64;  // positions in a tile: 24 slots of it fit a first-level cache

// Rows of a matrix for a tile of positions, x as (columns, kLanes):
//     row(i)[lane] = sum over its entries of weight * x[column][lane]
struct SparseRows {
  const int32_t* starts;  // rows + 1
  const int32_t* columns;
  const double* weights;
  const int32_t* targets;  // (rows): where in y a row goes
  size_t rows;
};

// Rows of a matrix for one position, kSlice rows side by side; rows of a slice share its columns.
inline constexpr size_t kSlice = 8;
struct RowSlices {
  const int32_t* starts;  // slices + 1
  const int32_t* columns;
  const double* weights;  // (entries, kSlice)
  size_t slices;
};

struct Kernels {
  const char* name;

  // Tiles: y[target] = row; y[target] += row; y[target] = max(0, gate) * value.
  void (*sparse)(const SparseRows& rows, const double* x, double* y);
  void (*sparse_add)(const SparseRows& rows, const double* x, double* y);
  void (*sparse_gated)(const SparseRows& gates, const SparseRows& values, const double* x, double* y);
  // best[lane] = max(best[lane], row[lane]), the row's target to best_id[lane] where strictly greater.
  void (*sparse_argmax)(const SparseRows& rows, const double* x, double* best, double* best_id);
  // The same over rows that lie in y already, named by ids.
  void (*argmax)(const double* y, size_t rows, const double* ids, double* best, double* best_id);
  // In every lane: each |weight * x| of every row is at most 1; the positive terms of each row have a sum
  // below `limit`, and so have the negated negative ones. Numbers that are not numbers are not.
  bool (*sparse_within)(const SparseRows& rows, const double* x);
  bool (*sparse_below)(const SparseRows& rows, const double* x, double limit);

  // One position: y as (slices, kSlice).
  void (*slices)(const RowSlices& rows, const double* x, double* y);
  void (*slices_gated)(const RowSlices& gates, const RowSlices& values, const double* x, double* y);
  // ids (slices, kSlice); best and best_id have kSlice lanes. The lower id wins a tie.
  void (*slices_argmax)(const RowSlices& rows, const double* ids, const double* x, double* best,
                        double* best_id);
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
