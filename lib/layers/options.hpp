// What a run on the layer path may choose; every choice gives the same tokens.
#pragma once

#include <cstdint>

namespace tvm {

enum class Variant : std::int32_t { kAuto, kDense, kBlas, kSparse };  // of projections
enum class Search : std::int32_t { kAuto, kHull, kScan };             // of heads without a shortcut
enum class Bypass : std::int32_t { kNone, kPassthrough, kGather, kAll };

struct LayerOptions {
  Variant projection = Variant::kAuto;
  Search attention = Search::kAuto;  // hull
  Bypass bypass = Bypass::kAll;
  int threads = 0;  // as many as the machine has
};

}  // namespace tvm
