#include "layers/neurons.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "layers/projection/sparse_rows.hpp"

namespace tvm {
namespace {

class ProjectedNeurons final : public Neurons {
 public:
  ProjectedNeurons(Variant variant, const Rows& in, std::size_t width, SumOrder& order)
      : Neurons(in.size() / 2, in.size(), every(in.size() / 2)),
        both_(make_projection(variant, in, width, order)) {}

  void one(const double* x, double* hidden) const override {
    both_->one(x, hidden);
    gate(hidden, rows());
  }
  void tile(const double* x, double* hidden) const override {
    both_->tile(x, hidden);
    gate(hidden, rows() * kLanes);
  }

 private:
  static Places every(std::size_t neurons) {
    Places places(neurons);
    std::iota(places.begin(), places.end(), 0);
    return places;
  }
  static void gate(double* hidden, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) hidden[i] = std::max(0.0, hidden[i]) * hidden[size + i];
  }

  std::unique_ptr<Projection> both_;
};

class SparseNeurons final : public Neurons {
 public:
  SparseNeurons(const Rows& in, const Rows& ffn) : SparseNeurons(in, order_of(in, ffn)) {}

  void one(const double* x, double* hidden) const override {
    kernels_.slices_gated(gate_slices_.view(), value_slices_.view(), x, hidden);
  }
  void tile(const double* x, double* hidden) const override {
    kernels_.sparse_gated(gates_.view(), values_.view(), x, hidden);
  }

 private:
  using Permutation = std::vector<std::size_t>;

  static Permutation order_of(const Rows& in, const Rows& ffn) {
    const std::size_t neurons = in.size() / 2;
    std::vector<std::pair<std::vector<std::size_t>, std::vector<std::size_t>>> patterns;
    Permutation order;
    for (std::size_t n = 0; n < neurons; ++n) {
      patterns.emplace_back(pattern_of(in[n]), pattern_of(in[neurons + n]));
      const bool read = std::any_of(ffn.begin(), ffn.end(), [n](const Row& row) { return row[n] != 0.0; });
      if (read && !patterns[n].first.empty() && !patterns[n].second.empty()) order.push_back(n);
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t i, std::size_t j) { return patterns[i] < patterns[j]; });
    return order;
  }

  static Places places_of(const Permutation& order, std::size_t neurons) {
    Places places(neurons, kNoPlace);
    for (std::size_t i = 0; i < order.size(); ++i) places[order[i]] = static_cast<std::int32_t>(i);
    return places;
  }

  static Rows half(const Rows& in, bool second) {
    const auto middle = in.begin() + static_cast<std::ptrdiff_t>(in.size() / 2);
    return second ? Rows(middle, in.end()) : Rows(in.begin(), middle);
  }

  SparseNeurons(const Rows& in, const Permutation& order)
      : Neurons(order.size(), (order.size() + kSlice - 1) / kSlice * kSlice, places_of(order, in.size() / 2)),
        kernels_(kernels()),
        gates_(half(in, false), order, places()),
        values_(half(in, true), order, places()),
        gate_slices_(half(in, false), order),
        value_slices_(half(in, true), order) {}

  const Kernels& kernels_;
  SparseMatrix gates_, values_;
  SlicedMatrix gate_slices_, value_slices_;
};

}  // namespace

std::unique_ptr<Neurons> make_neurons(Variant variant, const Rows& in, const Rows& ffn, std::size_t width,
                                      SumOrder& order) {
  if (variant == Variant::kSparse) return std::make_unique<SparseNeurons>(in, ffn);
  return std::make_unique<ProjectedNeurons>(variant, in, width, order);
}

}  // namespace tvm
