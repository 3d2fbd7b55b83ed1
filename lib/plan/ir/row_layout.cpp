#include "plan/ir/row_layout.hpp"

#include <algorithm>

namespace tvm::plan {
namespace {

std::uint32_t bytes_for(const Interval& interval) {
  const Wide size = interval.high - interval.low;
  for (const std::uint32_t bytes : {1u, 2u, 4u})
    if (size < Wide{1} << (8 * bytes)) return bytes;
  return 8;
}

}  // namespace

kernel::Layout layout_of(const Network& network, const Store& store, const std::vector<bool>& read) {
  kernel::Layout layout;
  layout.columns.resize(store.columns.size());
  std::uint32_t offset = sizeof(std::int32_t);  // behind the position
  for (const std::uint32_t bytes : {4u, 2u, 1u, 8u}) {
    for (std::size_t c = 0; c < store.columns.size(); ++c) {
      const Interval interval = network.interval(store.columns[c]);
      if (!read[c] || bytes_for(interval) != bytes) continue;
      offset = (offset + bytes - 1) / bytes * bytes;
      layout.columns[c] = {offset, bytes, bytes == 8 ? 0 : static_cast<std::int64_t>(interval.low)};
      offset += bytes;
      layout.row_bytes = bytes == 8 ? 8 : 4;  // for now what it is aligned to
    }
  }
  const std::uint32_t aligned = std::max(layout.row_bytes, 4u);
  layout.row_bytes = (offset + aligned - 1) / aligned * aligned;
  return layout;
}

}  // namespace tvm::plan
