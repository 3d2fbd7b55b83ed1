// The gated neurons of a layer: hidden = max(0, W_gate x) * (W_value x).
//
// Enters: W_in, and W_ffn for which neurons are read.  Leaves: hidden as (rows(), lanes), neuron n in
// row places()[n]. Dense and BLAS compute every neuron; sparse leaves out those that are always zero
// or never read, and orders the others so that neurons that read the same slots lie side by side.
#pragma once

#include <cstddef>
#include <memory>

#include "layers/projection/projection.hpp"

namespace tvm {

class Neurons {
 public:
  virtual ~Neurons() = default;
  virtual void one(const double* x, double* hidden) const = 0;
  virtual void tile(const double* x, double* hidden) const = 0;

  std::size_t rows() const { return rows_; }
  std::size_t room() const { return room_; }  // rows that `hidden` must have room for
  const Places& places() const { return places_; }

 protected:
  Neurons(std::size_t rows, std::size_t room, Places places)
      : rows_(rows), room_(room), places_(std::move(places)) {}

 private:
  std::size_t rows_, room_;
  Places places_;
};

// in: (2F, D), gates first. ffn: (D, F).
std::unique_ptr<Neurons> make_neurons(Variant variant, const Rows& in, const Rows& ffn, std::size_t width,
                                      SumOrder& order);

}  // namespace tvm
