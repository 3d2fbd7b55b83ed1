// The kernels in plain C++: the reference that every other set is compared with.
#include "layers/kernels/kernels.hpp"

namespace tvm {
namespace {

double row_of(const SparseRows& m, size_t row, const double* x, size_t lane) {
  double sum = 0.0;
  for (int32_t i = m.starts[row]; i < m.starts[row + 1]; ++i)
    sum += m.weights[i] * x[static_cast<size_t>(m.columns[i]) * kLanes + lane];
  return sum;
}

double row_of(const RowSlices& m, size_t row, const double* x) {
  double sum = 0.0;
  for (int32_t i = m.starts[row / kSlice]; i < m.starts[row / kSlice + 1]; ++i)
    sum += m.weights[static_cast<size_t>(i) * kSlice + row % kSlice] * x[m.columns[i]];
  return sum;
}

double gated(double gate, double value) { return (gate > 0.0 ? gate : 0.0) * value; }

// visit(row, lane, place in y)
template <class Visit>
void each(const SparseRows& m, const Visit& visit) {
  for (size_t row = 0; row < m.rows; ++row)
    for (size_t lane = 0; lane < kLanes; ++lane)
      visit(row, lane, static_cast<size_t>(m.targets[row]) * kLanes + lane);
}

void sparse(const SparseRows& m, const double* x, double* y) {
  each(m, [&](size_t row, size_t lane, size_t at) { y[at] = row_of(m, row, x, lane); });
}

void sparse_add(const SparseRows& m, const double* x, double* y) {
  each(m, [&](size_t row, size_t lane, size_t at) { y[at] += row_of(m, row, x, lane); });
}

void sparse_gated(const SparseRows& gates, const SparseRows& values, const double* x, double* y) {
  each(gates, [&](size_t row, size_t lane, size_t at) {
    y[at] = gated(row_of(gates, row, x, lane), row_of(values, row, x, lane));
  });
}

void sparse_argmax(const SparseRows& m, const double* x, double* best, double* best_id) {
  each(m, [&](size_t row, size_t lane, size_t) {
    const double score = row_of(m, row, x, lane);
    if (score > best[lane]) best[lane] = score, best_id[lane] = m.targets[row];
  });
}

void argmax(const double* y, size_t rows, const double* ids, double* best, double* best_id) {
  for (size_t row = 0; row < rows; ++row)
    for (size_t lane = 0; lane < kLanes; ++lane)
      if (y[row * kLanes + lane] > best[lane]) best[lane] = y[row * kLanes + lane], best_id[lane] = ids[row];
}

bool sparse_within(const SparseRows& m, const double* x) {
  bool within = true;
  for (int32_t i = 0; i < m.starts[m.rows]; ++i)
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const double term = m.weights[i] * x[static_cast<size_t>(m.columns[i]) * kLanes + lane];
      within &= (term < 0.0 ? -term : term) <= 1.0;
    }
  return within;
}

bool sparse_below(const SparseRows& m, const double* x, double limit) {
  bool below = true;
  for (size_t row = 0; row < m.rows; ++row)
    for (size_t lane = 0; lane < kLanes; ++lane) {
      double positive = 0.0, negative = 0.0;
      for (int32_t i = m.starts[row]; i < m.starts[row + 1]; ++i) {
        const double term = m.weights[i] * x[static_cast<size_t>(m.columns[i]) * kLanes + lane];
        const double larger = term > 0.0 ? term : 0.0;
        positive += larger;
        negative += larger - term;
      }
      below &= (positive < limit) & (negative < limit);
    }
  return below;
}

void slices(const RowSlices& m, const double* x, double* y) {
  for (size_t row = 0; row < m.slices * kSlice; ++row) y[row] = row_of(m, row, x);
}

void slices_gated(const RowSlices& gates, const RowSlices& values, const double* x, double* y) {
  for (size_t row = 0; row < gates.slices * kSlice; ++row)
    y[row] = gated(row_of(gates, row, x), row_of(values, row, x));
}

void slices_argmax(const RowSlices& m, const double* ids, const double* x, double* best, double* best_id) {
  for (size_t row = 0; row < m.slices * kSlice; ++row) {
    const size_t lane = row % kSlice;
    const double score = row_of(m, row, x);
    if (score > best[lane] || (score == best[lane] && ids[row] < best_id[lane]))
      best[lane] = score, best_id[lane] = ids[row];
  }
}

}  // namespace

extern const Kernels kernels_scalar{"scalar",      sparse,       sparse_add,    sparse_gated,
                                    sparse_argmax, argmax,       sparse_within, sparse_below,
                                    slices,        slices_gated, slices_argmax};

}  // namespace tvm
