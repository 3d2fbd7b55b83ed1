#include "layers/attention/hull.hpp"

#include <algorithm>

namespace tvm {

UpperHull::Place UpperHull::first_not_left_of(double x) const {
  const auto block =
      std::partition_point(blocks_.begin(), blocks_.end(), [x](const auto& b) { return b.back().key.x < x; });
  if (block == blocks_.end()) return {blocks_.size(), 0};
  const auto vertex =
      std::partition_point(block->begin(), block->end(), [x](const Vertex& v) { return v.key.x < x; });
  return {static_cast<std::size_t>(block - blocks_.begin()),
          static_cast<std::size_t>(vertex - block->begin())};
}

UpperHull::Place UpperHull::put(Place place, const Vertex& vertex) {
  if (at_end(place)) {  // at the right end: blocks stay full when keys only grow
    if (blocks_.empty() || blocks_.back().size() == kBlock) blocks_.emplace_back().reserve(kBlock);
    blocks_.back().push_back(vertex);
    return {blocks_.size() - 1, blocks_.back().size() - 1};
  }
  if (blocks_[place.block].size() == kBlock) {
    const auto index = static_cast<std::ptrdiff_t>(place.block);
    auto& full = *blocks_.emplace(blocks_.begin() + index, std::vector<Vertex>());
    auto& rest = blocks_[place.block + 1];
    full.reserve(kBlock);
    full.assign(rest.begin(), rest.begin() + kBlock / 2);
    rest.erase(rest.begin(), rest.begin() + kBlock / 2);
    if (place.index > kBlock / 2) place = {place.block + 1, place.index - kBlock / 2};
  }
  auto& block = blocks_[place.block];
  block.insert(block.begin() + static_cast<std::ptrdiff_t>(place.index), vertex);
  return place;
}

UpperHull::Place UpperHull::remove(Place place) {
  auto& block = blocks_[place.block];
  block.erase(block.begin() + static_cast<std::ptrdiff_t>(place.index));
  if (block.empty()) {
    blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(place.block));
    return {place.block, 0};
  }
  return place.index == block.size() ? Place{place.block + 1, 0} : place;
}

void UpperHull::prune(Place place) {
  const Key key = at(place).key;
  for (Place right = next(place); !at_end(right);) {
    const Place beyond = next(right);
    if (at_end(beyond) || compare_line(key, at(right).key, at(beyond).key) >= 0) break;
    right = remove(right);
  }
  while (!at_begin(place)) {
    const Place left = previous(place);
    if (at_begin(left) || compare_line(at(previous(left)).key, at(left).key, key) >= 0) break;
    place = remove(left);
  }
}

}  // namespace tvm
