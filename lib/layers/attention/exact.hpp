// The exact sign of a sum of products of float64 numbers (Shewchuk, "Adaptive Precision
// Floating-Point Arithmetic", 1997: grow-expansion over error-free products).
//
// Every decision of general attention (which key scores higher, which key lies on the hull) is such
// a sign, so scan and hull agree on any keys whatever the rounding. Exact up to over- and underflow: keys and
// queries that come near are refused (attention.cpp).
#pragma once

#include <array>
#include <cmath>
#include <cstddef>

namespace tvm {

class ExactSum {
 public:
  void add_product(double a, double b) {
    const double high = a * b;
    add(std::fma(a, b, -high));
    add(high);
  }

  int sign() const {
    // The components do not overlap: the last that is not zero outweighs all before it.
    for (std::size_t i = size_; i-- > 0;)
      if (parts_[i] != 0.0) return parts_[i] > 0.0 ? 1 : -1;
    return 0;
  }

 private:
  void add(double value) {
    for (std::size_t i = 0; i < size_; ++i) {
      const double sum = value + parts_[i];
      const double part = sum - value;
      parts_[i] = (value - (sum - part)) + (parts_[i] - part);
      value = sum;
    }
    parts_[size_++] = value;
  }

  std::array<double, 40> parts_;
  std::size_t size_ = 0;
};

// A key: the second component is y + recency, which float64 could not hold in one number.
struct Key {
  double x, y, recency;
};

// The sign of score(a) - score(b) for the query (q0, q1).
inline int compare_scores(double q0, double q1, const Key& a, const Key& b) {
  const double difference = q0 * (a.x - b.x) + q1 * ((a.y - b.y) + (a.recency - b.recency));
  const double size =
      std::abs(q0) * (std::abs(a.x) + std::abs(b.x)) +
      std::abs(q1) * (std::abs(a.y) + std::abs(b.y) + std::abs(a.recency) + std::abs(b.recency));
  if (std::abs(difference) > size * 0x1p-49) return difference > 0.0 ? 1 : -1;
  const auto whole = [](double n) { return n == std::rint(n); };
  if (size < 0x1p52 && whole(q0) && whole(q1) && whole(a.x) && whole(b.x) && whole(a.y) && whole(b.y)) {
    // Integers: their part of the difference is exact, and recency decides when it is zero.
    const double exact = q0 * (a.x - b.x) + q1 * (a.y - b.y);
    if (exact == 0.0)
      return q1 == 0.0 || a.recency == b.recency ? 0 : (a.recency > b.recency) == (q1 > 0.0) ? 1 : -1;
    if (std::abs(exact) > 2.0 * std::abs(q1) * (std::abs(a.recency) + std::abs(b.recency)))
      return exact > 0.0 ? 1 : -1;
  }
  ExactSum sum;
  sum.add_product(q0, a.x);
  sum.add_product(-q0, b.x);
  sum.add_product(q1, a.y);
  sum.add_product(-q1, b.y);
  sum.add_product(q1, a.recency);
  sum.add_product(-q1, b.recency);
  return sum.sign();
}

// The sign of y(a) - y(b).
inline int compare_heights(const Key& a, const Key& b) { return compare_scores(0.0, 1.0, a, b); }

// Whether b lies above (+1), on (0) or below (-1) the line from a to c; a.x < b.x < c.x.
inline int compare_line(const Key& a, const Key& b, const Key& c) {
  // (b.x - a.x)(c.y - a.y) - (b.y - a.y)(c.x - a.x) is negative where b is above.
  const double abx = b.x - a.x, acx = c.x - a.x;
  const double aby = (b.y - a.y) + (b.recency - a.recency), acy = (c.y - a.y) + (c.recency - a.recency);
  const double left = abx * acy, right = aby * acx;
  const double height = std::abs(a.y) + std::abs(b.y) + std::abs(c.y) + std::abs(a.recency) +
                        std::abs(b.recency) + std::abs(c.recency);
  const double size = (std::abs(a.x) + std::abs(b.x) + std::abs(c.x)) * (std::abs(aby) + std::abs(acy)) +
                      height * (abx + acx);
  if (std::abs(left - right) > size * 0x1p-49) return left > right ? -1 : 1;
  // Expanded: b.x c.y - b.x a.y - a.x c.y - b.y c.x + b.y a.x + a.y c.x, with y = y + recency.
  ExactSum sum;
  const auto term = [&sum](double sign_x, const Key& height_of) {
    sum.add_product(sign_x, height_of.y);
    sum.add_product(sign_x, height_of.recency);
  };
  term(b.x, c);
  term(-b.x, a);
  term(-a.x, c);
  term(-c.x, b);
  term(a.x, b);
  term(c.x, a);
  return -sum.sign();
}

}  // namespace tvm
