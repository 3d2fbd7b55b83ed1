// Hash-consing: equal values are kept once and numbered in the order in which they first came.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace tvm::plan {

template <class T>
class Interned {
 public:
  // The number of the value, new or known.
  std::uint32_t add(T value) {
    const auto [entry, fresh] = numbers_.try_emplace(std::move(value), static_cast<std::uint32_t>(size()));
    if (fresh) values_.push_back(entry->first);
    return entry->second;
  }
  const T& operator[](std::size_t number) const { return values_[number]; }
  std::size_t size() const { return values_.size(); }
  bool empty() const { return values_.empty(); }
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }

 private:
  std::vector<T> values_;
  std::map<T, std::uint32_t> numbers_;
};

}  // namespace tvm::plan
