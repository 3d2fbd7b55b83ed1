// Hard attention over integer keys on the parabola (2k, -k*k + recency): the newest of the keys
// nearest the query, among those with the least `clear`. Exact for |k| < 2^53.
//
// That a key lies on the parabola is checked for each key that can win (-k*k may have been rounded:
// beyond 2^26.5 float64 cannot hold it, and only there a little is allowed). One that does not turns the
// table into a hull, with the same results, until a key with a lesser `clear` opens a new table.
#pragma once

#include <memory>

#include "base/key_map.hpp"
#include "layers/attention/finder.hpp"

namespace tvm {

// Requires a LATEST head whose q1 is never negative and whose recency spreads by less than 1.
class KeyTable final : public Finder {
 public:
  explicit KeyTable(double recency_share) : share_(recency_share) {}
  void insert(const Key& key, double clear, double v0, double v1) override;
  Found find(double q0, double q1) const override;

 private:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  struct Extreme {
    double x = 0.0;
    std::uint64_t newest = kNone;
  };

  std::uint64_t nearest(double q0, double q1) const;
  Key key_of(std::int64_t k, std::uint64_t position) const;
  void become_hull();

  double share_;  // of recency in the second component
  std::uint64_t size_ = 0;
  double least_clear_ = 0.0;
  KeyMap newest_{0};                  // of each key
  Extreme leftmost_, rightmost_;      // over all keys, for queries with q1 = 0
  std::unique_ptr<HullFinder> hull_;  // instead of newest_
};

}  // namespace tvm
