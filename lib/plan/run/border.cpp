#include "plan/run/border.hpp"

#include <algorithm>

#include "plan/run/interpreter.hpp"
#include "plan/specialize/fingerprint.hpp"

namespace tvm::plan {
namespace {

// A column of a record as a border has it: what is left when the part that key and position tell is taken
// off.
struct Rest {
  bool none = false;        // nothing is left
  bool is_key = false;      // it is the record's key
  std::int64_t weight = 0;  // of the position
  std::int64_t constant = 0;
  Interval interval = {};  // of what is left

  // Modulo 2^64.
  std::int64_t told(std::int64_t key, std::int64_t now) const {
    if (is_key) return key;
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(weight) * static_cast<std::uint64_t>(now) +
                                     static_cast<std::uint64_t>(constant));
  }
};

Rest rest_of(const Network& net, const Store& store, const Expr& column) {
  if (column == store.key) return {.none = true, .is_key = true};
  Rest rest{.none = true};
  Expr others;
  for (const Term& term : column) {
    if (term.node == kPositionNode) {
      rest.weight = term.weight;
    } else if (term.node == kOneNode) {
      rest.constant = term.weight;
    } else {
      others.push_back(term);
      rest.none = false;
    }
  }
  rest.interval = net.interval(others);
  return rest;
}

bool within(const Interval& interval, std::int64_t value) {
  return interval.low <= value && value <= interval.high;
}

}  // namespace

BorderHead read_head(BorderReader& from) {
  BorderHead head;
  head.plan = from.natural();
  head.since = from.natural();
  head.position = from.natural();
  if (head.position < 1 || head.position >= static_cast<std::uint64_t>(kMaxTokens))
    from.wrong("its position is out of range");
  if (head.since >= head.position) from.wrong("it begins behind its position");
  return head;
}

// f(position) for what is needed of the tokens behind the prompt, the one at the position itself as well,
// which nobody has read.
template <class F>
void Interpreter::for_each_token(const std::vector<TokenRange>& needed, std::size_t prompt, F&& f) const {
  for (const TokenRange& range : needed)
    for (std::size_t i = std::max(prompt, range.begin); i < range.end; ++i) f(i);
  if (position_ >= prompt) f(position_);
}

std::uint64_t Interpreter::fingerprint() const {
  if (fingerprint_ == 0) fingerprint_ = fingerprint_of(subject_);
  return fingerprint_;
}

// A record's position says whether it is new since then; records are never taken away.
void Interpreter::save(std::uint64_t since, const kernel::Token* tokens, std::size_t prompt,
                       Bytes& to) const {
  const Network& net = subject_.network;
  BorderWriter out(to);
  out.natural(fingerprint());
  out.natural(since);
  out.natural(position_);
  for (NodeId id = 0; id < net.nodes.size(); ++id) {
    const Node& node = net.nodes[id];
    if (node.kind != Kind::kSum || !subject_.uses.live[id]) continue;
    if (net.counts_all(node)) {
      out.integer(registers_[id]);
    } else {
      const Sum sum = sums_.empty() ? Sum{} : sums_[id];
      out.integer(sum.total), out.natural(static_cast<std::uint64_t>(sum.count));
      out.integer(sum.key);
    }
  }
  for (std::size_t s = 0; s < net.stores.size(); ++s) {
    const kernel::Layout& layout = layouts_[s];
    std::vector<std::pair<std::int64_t, const unsigned char*>> records;
    stores_[s]->for_each(static_cast<std::int64_t>(since),
                         [&](std::int64_t key, const unsigned char* row) { records.emplace_back(key, row); });
    out.natural(records.size());
    // Column by column: what is alike stands together.
    std::int64_t last = 0;
    for (const auto& [key, row] : records) out.difference(key, std::exchange(last, key));
    last = static_cast<std::int64_t>(since);
    for (const auto& [key, row] : records) {
      const std::int64_t now = kernel::now_of(row);
      out.difference(now, std::exchange(last, now));
    }
    for (std::size_t c = 0; c < layout.columns.size(); ++c) {
      const Rest rest = rest_of(net, net.stores[s], net.stores[s].columns[c]);
      if (!layout.columns[c].is_read || rest.none) continue;
      for (const auto& [key, row] : records)
        out.difference(layout.columns[c].read(row), rest.told(key, kernel::now_of(row)));
    }
  }
  for (const auto& history : histories_) {
    const std::size_t from = std::min<std::size_t>(since, history.size());
    out.natural(history.size() - from);
    for (std::size_t i = from; i < history.size(); ++i) out.integer(history[i]);
  }
  if (since > 0) return;
  for_each_token(reachable(prompt), prompt,
                 [&](std::size_t i) { out.natural(static_cast<std::uint64_t>(tokens[i])); });
}

void Interpreter::restore(std::span<const unsigned char> border, std::span<const kernel::Token> more,
                          kernel::Token* tokens, std::size_t prompt) {
  const Network& net = subject_.network;
  BorderReader in(border);
  const BorderHead head = read_head(in);
  if (head.plan != fingerprint()) in.wrong("it is of another model, or of another version of the library");
  if (head.since != position_) in.wrong("it does not follow what the run has read");
  if (head.position + 1 < prompt) in.wrong("it lies before the end of the prompt");
  if (more.size() != (head.since == 0 ? 0 : head.position - head.since))
    throw Error(Status::kArgument, sentence("a border from position ", head.since, " to ", head.position,
                                            " does not go with ", more.size(), " tokens"));
  for (NodeId id = 0; id < net.nodes.size(); ++id) {
    const Node& node = net.nodes[id];
    if (node.kind != Kind::kSum || !subject_.uses.live[id]) continue;
    const std::int64_t sum = in.integer();
    if (net.counts_all(node)) {
      if (!within(net.intervals[id], sum)) in.wrong("a running sum is out of range");
      registers_[id] = sum;
      continue;
    }
    const std::uint64_t count = in.natural();
    if (count < 1 || count > head.position) in.wrong("the count of a mean is out of range");
    sums_.resize(registers_.size());
    sums_[id] = {sum, static_cast<std::int64_t>(count), in.integer()};
  }
  for (std::size_t s = 0; s < net.stores.size(); ++s) {
    const kernel::Layout& layout = layouts_[s];
    const std::uint64_t count = in.count();
    const Interval of_keys = net.interval(net.stores[s].key);
    std::vector<std::pair<std::int64_t, std::int64_t>> records(count);  // key, position
    std::int64_t last = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::int64_t key = in.difference(last);
      if (i > 0 && key <= last) in.wrong("keys of records are not in their order");
      if (!within(of_keys, key)) in.wrong("the key of a record is out of range");
      records[i].first = last = key;
    }
    last = static_cast<std::int64_t>(head.since);
    for (auto& [key, now] : records) {
      now = last = in.difference(last);
      if (now < static_cast<std::int64_t>(head.since) || now >= static_cast<std::int64_t>(head.position))
        in.wrong("the position of a record is out of range");
    }
    std::vector<unsigned char*> rows;
    for (const auto& [key, now] : records) {
      rows.push_back(stores_[s]->place(key));
      kernel::PagedStore::stamp(rows.back(), now);
    }
    for (std::size_t c = 0; c < layout.columns.size(); ++c) {
      const kernel::Column& column = layout.columns[c];
      const Rest rest = rest_of(net, net.stores[s], net.stores[s].columns[c]);
      if (!column.is_read) continue;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::int64_t told = rest.told(records[i].first, records[i].second);
        const std::int64_t more = rest.none ? 0 : in.integer();
        if (!within(rest.interval, more)) in.wrong("a column of a record is out of range");
        column.write(rows[i], static_cast<std::int64_t>(static_cast<std::uint64_t>(told) +
                                                        static_cast<std::uint64_t>(more)));
      }
    }
  }
  for (std::size_t h = 0; h < histories_.size(); ++h) {
    auto& history = histories_[h];
    const Interval interval = net.interval(net.histories[h]);
    const std::uint64_t count = in.count();
    if (count > 0 && history.size() + count != head.position) in.wrong("a history is not whole");
    for (std::uint64_t i = 0; i < count; ++i) {
      history.push_back(in.integer());
      if (!within(interval, history.back())) in.wrong("a value of a history is out of range");
    }
  }
  position_ = head.position;
  context_ = versions_->nothing_known();
  stands_ = kernel::kUnknown;
  if (head.since == 0) {
    std::vector<TokenRange> needed = reachable(prompt);
    for_each_token(needed, prompt, [&](std::size_t i) {
      const std::uint64_t token = in.natural();
      if (token >= net.bias.size()) in.wrong("a token is outside the vocabulary");
      tokens[i] = static_cast<kernel::Token>(token);
    });
    hold(std::move(needed));
  } else {
    std::copy(more.begin(), more.end(), tokens + head.since + 1);
  }
  in.end();
}

}  // namespace tvm::plan
