#include "plan/ir/row_layout.hpp"

#include <algorithm>

namespace tvm::plan {
namespace {

std::uint32_t bytes_for(const Interval& interval) {
  const Wide size = interval.high - interval.low;
  for (const std::uint32_t bytes : {0u, 1u, 2u, 4u})
    if (size < Wide{1} << (8 * bytes)) return bytes;
  return 8;
}

// Its bytes and where it counts from. A column that goes with the position, as where a value's bytes stand,
// needs its distance to it alone.
kernel::Column narrowest(const Network& network, const Expr& expr) {
  Expr distance = expr;
  add_scaled(distance, Expr{{kPositionNode, 1}}, -1);
  const Interval whole = network.interval(expr), from_now = network.interval(distance);
  kernel::Column column{.bytes = bytes_for(whole), .is_read = true};
  if (bytes_for(from_now) < column.bytes) {
    column.from_now = true;
    column.bytes = bytes_for(from_now);
  }
  if (column.bytes < 8) column.low = static_cast<std::int64_t>((column.from_now ? from_now : whole).low);
  return column;
}

}  // namespace

kernel::Layout layout_of(const Network& network, const Store& store, const std::vector<bool>& read) {
  kernel::Layout layout;
  layout.columns.resize(store.columns.size());
  for (std::size_t c = 0; c < store.columns.size(); ++c)
    if (read[c]) layout.columns[c] = narrowest(network, store.columns[c]);
  std::uint32_t offset = kernel::kStampBytes, aligned = alignof(kernel::Stamp);
  for (const std::uint32_t bytes : {2u, 1u, 4u, 8u}) {
    for (kernel::Column& column : layout.columns) {
      if (column.bytes != bytes) continue;
      column.offset = (offset + bytes - 1) / bytes * bytes;
      offset = column.offset + bytes;
      aligned = std::max(aligned, bytes);
    }
  }
  layout.row_bytes = (offset + aligned - 1) / aligned * aligned;
  return layout;
}

}  // namespace tvm::plan
