// The upper convex hull of a growing set of 2-D keys, and hard attention over it.
//
// Enters: keys in any order of x, each with an id (positions count up; for AVERAGE heads the id of
// a set of tied keys).  Leaves: the keys with the highest score for a query (q0, q1 > 0).
// Keys on an edge stay: for some query they tie. All decisions are exact (exact.hpp).
//
// The vertices lie in order of x in blocks of at most kBlock: a search is two binary searches, an
// insertion moves at most one block; every vertex is removed at most once, so insertion is amortised
// O(log n) comparisons.
#pragma once

#include <cstdint>
#include <vector>

#include "layers/attention/exact.hpp"

namespace tvm {

struct Vertex {
  Key key;
  std::uint64_t id;
};

class UpperHull {
 public:
  // `merge(old_id)` is asked for the id when an equal key exists.
  template <class Merge>
  void insert(const Key& key, std::uint64_t id, const Merge& merge);

  // Calls visit(id) for every key with the highest score; the hull must not be empty.
  template <class Visit>
  void best(double q0, double q1, const Visit& visit) const;

  bool empty() const { return blocks_.empty(); }
  void clear() { blocks_.clear(); }

 private:
  static constexpr std::size_t kBlock = 256;
  struct Place {
    std::size_t block, index;
  };

  Place first_not_left_of(double x) const;
  bool at_end(Place place) const { return place.block == blocks_.size(); }
  bool at_begin(Place place) const { return place.block == 0 && place.index == 0; }
  Place next(Place place) const {
    return place.index + 1 < blocks_[place.block].size() ? Place{place.block, place.index + 1}
                                                         : Place{place.block + 1, 0};
  }
  Place previous(Place place) const {
    return place.index > 0 ? Place{place.block, place.index - 1}
                           : Place{place.block - 1, blocks_[place.block - 1].size() - 1};
  }
  const Vertex& at(Place place) const { return blocks_[place.block][place.index]; }
  Vertex& at(Place place) { return blocks_[place.block][place.index]; }

  Place put(Place place, const Vertex& vertex);
  Place remove(Place place);  // returns the place of the vertex after it
  void prune(Place place);    // restores convexity on both sides of a new vertex

  std::vector<std::vector<Vertex>> blocks_;  // none is empty
};

template <class Merge>
void UpperHull::insert(const Key& key, std::uint64_t id, const Merge& merge) {
  Place place = first_not_left_of(key.x);
  if (!at_end(place) && at(place).key.x == key.x) {
    const int above = compare_heights(key, at(place).key);
    if (above < 0) return;
    at(place) = {key, above == 0 ? merge(at(place).id) : id};
    if (above > 0) prune(place);
    return;
  }
  if (!at_end(place) && !at_begin(place) && compare_line(at(previous(place)).key, key, at(place).key) < 0)
    return;
  prune(put(place, {key, id}));
}

template <class Visit>
void UpperHull::best(double q0, double q1, const Visit& visit) const {
  // Along the hull scores rise strictly, stay at the maximum, and fall strictly.
  const auto rises = [&](const Vertex& a, const Vertex& b) {
    return compare_scores(q0, q1, b.key, a.key) > 0;
  };
  std::size_t low = 0, high = blocks_.size() - 1;
  while (low < high) {  // the first block whose end does not rise into the next block
    const std::size_t middle = (low + high) / 2;
    if (rises(blocks_[middle].back(), blocks_[middle + 1].front()))
      low = middle + 1;
    else
      high = middle;
  }
  const auto& block = blocks_[low];
  std::size_t first = 0, last = block.size() - 1;
  while (first < last) {
    const std::size_t middle = (first + last) / 2;
    if (rises(block[middle], block[middle + 1]))
      first = middle + 1;
    else
      last = middle;
  }
  Place place{low, first};
  const Key key = at(place).key;
  do {
    visit(at(place).id);
    place = next(place);
  } while (!at_end(place) && compare_scores(q0, q1, at(place).key, key) == 0);
}

}  // namespace tvm
