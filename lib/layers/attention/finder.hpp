// Hard attention of one set of keys: which past positions score highest for a query.
//
// Enters: one key per position, in order of position.  Leaves: for LATEST the newest winning
// position, for AVERAGE the mean of the winners' values. Three ways, one result: Scan compares with
// every key; HullFinder keeps convex hulls; KeyTable (key_table.hpp) knows that keys are integers.
//
// A key's `clear` outranks its score: among keys that a query with q1 > 0 can see, only those with
// the least `clear` count.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "layers/attention/exact.hpp"
#include "layers/attention/hull.hpp"
#include "layers/projection/sum_order.hpp"

namespace tvm {

// A key on the parabola (2k, -k*k) that float64 has rounded, made exact again: the rounding error of
// k*k joins the recency, both far below an ulp of k*k. Up to |k| = 2^34 (beyond every 32-bit address
// plus offset) the two together keep recency apart for 10^8 positions; farther out this throws
// Status::kLimit. Other keys are returned as they are.
Key exact_key(const Key& key);

struct Sums {
  double v0 = 0.0, v1 = 0.0;
  std::uint64_t count = 0;
  bool exact = true;  // integers below 2^53 throughout: the same in any order
  void add(double a, double b) {
    v0 += a, v1 += b, ++count;
    exact = exact && whole(a) && whole(b) && whole(v0) && whole(v1);
  }
  void add(const Sums& other) {
    v0 += other.v0, v1 += other.v1, count += other.count;
    exact = exact && other.exact && whole(v0) && whole(v1);
  }

 private:
  static bool whole(double n) { return std::abs(n) < 0x1p53 && n == std::nearbyint(n); }
};

// What one query found.
struct Found {
  std::uint64_t newest = 0;  // LATEST
  Sums sums;                 // AVERAGE
};

class Finder {
 public:
  virtual ~Finder() = default;
  virtual void insert(const Key& key, double clear, double v0, double v1) = 0;
  virtual Found find(double q0, double q1) const = 0;  // at least one key was inserted
};

std::unique_ptr<Finder> make_scan(bool latest);
// Tells `order`, if any, when it added values of tied keys in another order than that of positions and this
// may have mattered.
std::unique_ptr<Finder> make_hull(bool latest, bool needs_lower, SumOrder* order = nullptr);

class HullFinder final : public Finder {
 public:
  HullFinder(bool latest, bool needs_lower, SumOrder* order = nullptr)
      : latest_(latest), needs_lower_(needs_lower), order_(order) {}
  void insert(const Key& key, double clear, double v0, double v1) override;
  Found find(double q0, double q1) const override;

  // LATEST heads: keys with their positions, in any order (KeyTable turns into a hull when a key
  // breaks its assumptions).
  void insert_at(const Key& key, double clear, std::uint64_t position);

 private:
  // For queries (q0, 0): keys tie when their x ties.
  struct Extreme {
    double x;
    std::uint64_t newest;
    Sums sums;
  };
  void extend(const Key& key, std::uint64_t position, const Sums& value);

  bool latest_, needs_lower_;
  SumOrder* order_;
  std::uint64_t size_ = 0;
  double least_clear_ = 0.0;
  bool any_ = false;
  UpperHull upper_, lower_;                    // of the keys with the least `clear`; lower_ has y negated
  std::vector<Sums> upper_sums_, lower_sums_;  // AVERAGE: by vertex id
  Extreme leftmost_{}, rightmost_{};
  Sums all_;
};

}  // namespace tvm
