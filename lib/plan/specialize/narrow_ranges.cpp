#include "plan/specialize/narrow_ranges.hpp"

#include <algorithm>

namespace tvm::plan {

void narrow_ranges(Network& network, Split& split) {
  // The selector that is a table with most cases; the others are single values, whose intervals are exact.
  const Selector* selector = nullptr;
  for (const Selector& candidate : split.selectors)
    if (candidate.by != Selector::By::kValue &&
        (selector == nullptr || candidate.cases() > selector->cases()))
      selector = &candidate;
  if (selector == nullptr) return;
  split.narrowing = static_cast<std::size_t>(selector - split.selectors.data());
  const std::size_t nodes = network.nodes.size(), cases = selector->values.size();
  // Only nodes so far are set; the network's own intervals are the unions.
  std::vector<std::vector<Range>>& ranges = split.ranges;
  ranges.assign(cases, std::vector<Range>(nodes));
  for (NodeId id = 0; id < nodes; ++id) {
    const auto chosen = std::find(selector->nodes.begin(), selector->nodes.end(), id);
    const bool of_token = network.nodes[id].kind == Kind::kToken || network.nodes[id].kind == Kind::kTokenAt;
    Range all;
    for (std::size_t c = 0; c < cases; ++c) {
      Range& here = ranges[c][id];
      if (chosen != selector->nodes.end()) {
        const std::int64_t value =
            selector->values[c][static_cast<std::size_t>(chosen - selector->nodes.begin())];
        here = {value, value};
      } else if (of_token) {
        here = network.ranges[id];  // whatever the case
      } else {
        here = network.range_of(network.nodes[id], ranges[c]);
      }
      all = c == 0 ? here : Range{std::min(all.low, here.low), std::max(all.high, here.high)};
    }
    network.ranges[id] = {std::max(network.ranges[id].low, all.low),
                          std::min(network.ranges[id].high, all.high)};
  }
}

}  // namespace tvm::plan
