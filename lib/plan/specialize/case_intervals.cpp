#include "plan/specialize/case_intervals.hpp"

#include <algorithm>

#include "plan/ir/liveness.hpp"

namespace tvm::plan {

CaseIntervals::CaseIntervals(Network& network, const std::vector<NodeId>& nodes,
                             const std::vector<std::vector<std::int64_t>>& values)
    : cases_(static_cast<std::uint32_t>(values.size())),
      varies_(network.nodes.size()),
      open_(network.nodes.size()) {
  const auto narrow = [&](NodeId id, const Interval& by) {
    Interval& interval = network.intervals[id];
    interval = {std::max(interval.low, by.low), std::min(interval.high, by.high)};
  };
  const std::vector<bool> live = live_nodes(network);
  for (NodeId id = 0; id < network.nodes.size(); ++id) {
    if (!live[id]) continue;  // and nobody that is reads it
    const Node& node = network.nodes[id];
    const auto chosen = std::find(nodes.begin(), nodes.end(), id);
    if (chosen != nodes.end()) {
      varies_[id] = true;
      for (std::uint32_t c = 0; c < cases_; ++c) {
        const std::int64_t value = values[c][static_cast<std::size_t>(chosen - nodes.begin())];
        open_[id].push_back({c, {value, value}});
      }
    } else if (node.kind != Kind::kTokenAt) {  // that may be any token's, whatever the case
      for_each_operand(node, [&](Terms operand) { varies_[id] = varies_[id] || varies(operand); });
      if (varies_[id]) open_[id] = compute(network, id);
    }
    if (!varies_[id]) {
      narrow(id, network.interval_of(node, network.intervals));
      continue;
    }
    Interval all{kFar, -kFar};
    if (open_[id].size() < cases_) all = {};
    for (const Open& open : open_[id]) all = hull(all, open.is);
    narrow(id, all);
  }
  gates_.clear();
}

std::vector<Interval> CaseIntervals::in(const Network& network, std::uint32_t one) const {
  std::vector<Interval> result = network.intervals;
  for (NodeId id = 0; id < varies_.size(); ++id)
    if (varies_[id]) result[id] = at(id, one);
  return result;
}

bool CaseIntervals::varies(Terms sum) const {
  return std::any_of(sum.begin(), sum.end(), [&](const Term& term) { return varies_[term.node]; });
}

Interval CaseIntervals::at(NodeId id, std::uint32_t one) const {
  const auto open = std::lower_bound(open_[id].begin(), open_[id].end(), one,
                                     [](const Open& a, std::uint32_t b) { return a.in < b; });
  return open == open_[id].end() || open->in != one ? Interval{} : open->is;
}

std::vector<CaseIntervals::Open> CaseIntervals::compute(const Network& network, NodeId id) {
  const Node& node = network.nodes[id];
  std::vector<Open> result;
  const auto add = [&](std::uint32_t c, const Interval& value, const Interval& gate) {
    const Interval is = network.interval_of(node, value, gate);
    if (is.low != 0 || is.high != 0) result.push_back({c, is});
  };
  if (!node.is_gated()) {
    const std::vector<Interval> values = sum(network, node.value, node.kind == Kind::kLinear);
    for (std::uint32_t c = 0; c < cases_; ++c) add(c, values[c], {});
    return result;
  }
  const auto [gate, is_new] = gates_.try_emplace(node.gate);
  if (is_new) {
    const std::vector<Interval> gates = sum(network, node.gate, false);
    for (std::uint32_t c = 0; c < cases_; ++c)
      if (gates[c].high >= 0) gate->second.push_back({c, gates[c]});
  }
  const Wide least = node.kind == Kind::kEqual ? 0 : 1;
  for (const Open& open : gate->second)
    if (open.is.high >= least) add(open.in, sum_in(network, node.value, open.in), open.is);
  return result;
}

std::vector<Interval> CaseIntervals::sum(const Network& network, const Expr& expr, bool linear) const {
  const std::optional<Since> since = linear ? network.since(expr) : std::nullopt;
  SumInterval same;
  std::vector<SumInterval> sums;
  const Expr& terms = since ? since->rest : expr;
  for (const Term& term : terms)
    if (!varies_[term.node]) same.add(network.intervals[term.node], term.weight);
  sums.assign(cases_, same);
  for (const Term& term : terms)
    if (varies_[term.node])
      for (const Open& open : open_[term.node]) sums[open.in].add(open.is, term.weight);
  std::vector<Interval> result;
  result.reserve(cases_);
  for (const SumInterval& in_case : sums)
    result.push_back(since ? since->plus(in_case.get()) : in_case.get());
  return result;
}

Interval CaseIntervals::sum_in(const Network& network, const Expr& expr, std::uint32_t one) const {
  SumInterval sum;
  for (const Term& term : expr)
    sum.add(varies_[term.node] ? at(term.node, one) : network.intervals[term.node], term.weight);
  return sum.get();
}

}  // namespace tvm::plan
