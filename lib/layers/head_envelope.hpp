// The argmax of the output head without all of its rows.
//
// Enters: the rows of a head whose tokens carry numbers: byte b of 256 scores 2 b s - b^2 or the like,
// where s is one sum over the residual stream.  Leaves: the choice, where every sum is exact.
//
// Such rows are base + t * direction + c * constant, with few different bases. For one base the scores
// are lines in s, and the highest of them is found on the upper envelope of the lines, in
// logarithmic time: it is a convex hull of the points (t, c), as in 2-D attention (attention/hull.hpp). Of
// bases with the same points only the one that scores highest is looked at.
#pragma once

#include <compare>
#include <cstddef>
#include <memory>
#include <vector>

#include "layers/attention/hull.hpp"
#include "layers/output_head.hpp"
#include "layers/projection/exact_products.hpp"

namespace tvm {

class HeadEnvelope {
 public:
  // Null where the rows have no such form, or bases are not much fewer than rows.
  static std::unique_ptr<HeadEnvelope> make(const Rows& rows);

  // As OutputHead's. False, with nothing chosen, where a sum may be rounded or the constant is not positive.
  bool one(const double* x, double* scratch, OutputHead::Choice& choice) const;
  bool tile(const double* x, double* scratch, double* score, double* token) const;
  std::size_t scratch_rows() const { return slices_.view().slices * kSlice; }

 private:
  // Of a row that is base + t * direction + c * constant.
  struct Line {
    double t, c;
    auto operator<=>(const Line&) const = default;
  };
  // Bases with the same lines, each with a token per line.
  struct Family {
    std::vector<Line> lines;
    UpperHull hull;  // of the lines, by index
    std::vector<std::size_t> bases;
    std::vector<std::vector<double>> tokens;  // (bases, lines)
  };
  HeadEnvelope(std::vector<Family> families, const Rows& sums, const Rows& checked);
  OutputHead::Choice choose(const double* sums, std::size_t stride) const;

  std::vector<Family> families_;
  std::size_t bases_;  // sums are those of the bases, the direction and the constant
  SparseMatrix rows_;
  SlicedMatrix slices_;  // the same
  ExactProducts exact_;
};

}  // namespace tvm
