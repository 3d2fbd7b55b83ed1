#include "plan/explain.hpp"

#include <algorithm>
#include <vector>

#include "plan/run/interpreter.hpp"

namespace tvm::plan {
namespace {

constexpr const char* kKinds[] = {"one", "position", "token", "linear",  "index", "token at", "history at",
                                  "sum", "lookup",   "found", "product", "step",  "equal",    "function"};
constexpr const char* kUnits[] = {"input", "head", "neuron", "attention slot", "ffn slot"};

// Intervals saturate beyond 64 bits.
std::string number(Wide value) {
  if (value > INT64_MAX) return "\"beyond\"";
  if (value < INT64_MIN) return "\"beyond\"";
  return std::to_string(static_cast<std::int64_t>(value));
}

std::string register_name(NodeId id) { return id == kPositionNode ? "p" : "n" + std::to_string(id); }

void append_term(std::string& text, std::int64_t weight, NodeId node) {
  const auto size = weight < 0 ? 0 - static_cast<std::uint64_t>(weight) : static_cast<std::uint64_t>(weight);
  if (!text.empty()) text += weight < 0 ? " - " : " + ";
  if (text.empty() && weight < 0) text += "-";
  if (node == kOneNode)
    text += std::to_string(size);
  else
    text += (size == 1 ? "" : std::to_string(size) + " ") + register_name(node);
}

std::string words(const Expr& expr) {
  std::string text;
  for (const Term& term : expr) append_term(text, term.weight, term.node);
  return text.empty() ? "0" : text;
}

std::string words(const Tape& tape, const Linear& linear) {
  std::string text;
  if (linear.weight != 0) append_term(text, linear.weight, linear.node);
  for (std::uint32_t i = 0; i < linear.more; ++i)
    append_term(text, tape.terms[linear.first + i].weight, tape.terms[linear.first + i].node);
  if (linear.constant != 0) append_term(text, linear.constant, kOneNode);
  return text.empty() ? "0" : text;
}

std::string words(const Network& net, const Node& node) {
  const std::string gate = words(node.gate), value = words(node.value), at = register_name(node.at);
  switch (node.kind) {
    case Kind::kOne: return "1";
    case Kind::kPosition: return "the position";
    case Kind::kToken: return "table " + std::to_string(node.table) + "[token]";
    case Kind::kLinear: return value;
    case Kind::kIndex: return value + " within 0 .. " + (node.at == kOneNode ? "p" : at);
    case Kind::kTokenAt: return "table " + std::to_string(node.table) + "[token at " + at + "]";
    case Kind::kHistoryAt: return "(" + value + ") at position " + at;
    case Kind::kSum:
      return counts_all(net, node) ? "running sum of " + words(net.means[node.table].value)
                                   : "(" + gate + ") * mean of " + words(net.means[node.table].value);
    case Kind::kLookup:
      return "newest record of store " + std::to_string(node.table) + " with key nearest " + value;
    case Kind::kFound: return "column " + std::to_string(node.table) + " of record " + at;
    case Kind::kProduct: return "(" + value + ") * max(0, " + gate + ")";
    case Kind::kStep: return value + " if " + gate + " >= 1 else 0";
    case Kind::kEqual: return value + " if " + gate + " = 0 else 0";
    case Kind::kFunction: return "function " + std::to_string(node.table) + "(" + at + ")";
  }
  return {};
}

std::string words(const Tape& tape, const Op& op) {
  const std::string to = register_name(op.to) + " = ", at = register_name(op.at);
  // The further terms of a token sum are no terms of its value.
  const std::string value = op.code == Code::kTokenSum ? "" : words(tape, op.value);
  const auto gate = [&] { return words(tape, tape.gates[op.part]); };
  switch (op.code) {
    case Code::kCheck: return "check that " + value + " fits 64 bits";
    case Code::kToken: return to + "table[token]";
    case Code::kLinear: return to + value;
    case Code::kIndex: return to + value + " within 0 .. " + at;
    case Code::kTokenAt: return to + "table[token at " + at + "]";
    case Code::kTokenNear: return to + "table[token at " + value + " within 0 .. " + at + "]";
    case Code::kTokenSum: {
      std::string sum;
      for (std::uint32_t i = 0; i < op.value.more; ++i) {
        const Near& near = tape.nears[op.value.first + i];
        std::string base;
        append_term(base, op.value.weight, op.value.node);
        if (near.offset != 0) append_term(base, near.offset, kOneNode);
        sum += (sum.empty() ? "" : " + ") + std::to_string(near.weight) + " table[token at " + base + "]";
      }
      return to + sum;
    }
    case Code::kHistoryAt: return to + "history " + std::to_string(op.table) + " at " + at;
    case Code::kSum: return to + "(" + gate() + ") * mean of " + value;
    case Code::kAddToSum: return register_name(op.to) + " += " + value;
    case Code::kLookup:
      return to + "record of store " + std::to_string(op.table) + " with key nearest " + value;
    case Code::kFound: return to + "column " + std::to_string(op.part) + " of record " + at;
    case Code::kMatch:
      return to + "column " + std::to_string(op.part) + " of store " + std::to_string(op.table) +
             " under key " + value + ", else 0";
    case Code::kBatch:
      return std::to_string(tape.batches[op.part].ops.size()) + " products and steps at once";
    case Code::kProduct: return to + "(" + value + ") * max(0, " + gate() + ")";
    case Code::kStep: return to + value + " if " + gate() + " >= 1 else 0";
    case Code::kEqual: return to + value + " if " + gate() + " = 0 else 0";
    case Code::kFunction: return to + "function " + std::to_string(op.table) + "(" + at + ")";
    case Code::kInsert: {
      const Insert& insert = tape.inserts[op.part];
      std::string row;
      for (const Linear& column : insert.columns) row += (row.empty() ? "" : ", ") + words(tape, column);
      return "store " + std::to_string(op.table) + " under key " + words(tape, insert.key) +
             (insert.always ? "" : " unless cleared by " + words(tape, insert.clear)) + ": (" + row + ")";
    }
    case Code::kHistory: return "history " + std::to_string(op.table) + " gets " + value;
    case Code::kBranch: return "branch";
    case Code::kRecall: return "predict entry " + value + " of " + std::to_string(tape.predictions.size());
    case Code::kPredict: {
      std::string features;
      for (const Linear& feature : tape.features)
        features += (features.empty() ? "" : ", ") + words(tape, feature);
      return "predict the argmax over (" + features + ")";
    }
    case Code::kEnd: return "no prediction";
  }
  return {};
}

// Joins JSON values.
template <class Range, class Make>
std::string list(const Range& range, Make&& make) {
  std::string text = "[";
  for (const auto& item : range) text += (text.size() > 1 ? "," : "") + make(item);
  return text + "]";
}
std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string certificate(const Plan& plan) {
  const Network& net = plan.network;
  Range keys;
  for (const Store& store : net.stores) {
    const Range key = net.range(store.key);
    keys = {std::min(keys.low, key.low), std::max(keys.high, key.high)};
  }
  std::vector<NodeId> nodes, checked;
  for (NodeId id = 0; id < net.nodes.size(); ++id) {
    if (!plan.readers.live[id]) continue;
    nodes.push_back(id);
    if (may_leave(net.nodes[id].gate, net.ranges) || may_leave(net.nodes[id].value, net.ranges))
      checked.push_back(id);
  }
  return "{\"tokens\":" + number(kMaxTokens) + ",\"sums\":" + number(kSumBound) + ",\"keys\":[" +
         number(keys.low) + "," + number(keys.high) + "],\"nodes\":" + std::to_string(nodes.size()) +
         ",\"checked\":" + list(checked, [](NodeId id) { return std::to_string(id); }) + "}";
}

std::string node(const Plan& plan, NodeId id) {
  const Network& net = plan.network;
  const Origin& from = net.origins[id];
  return "{\"id\":" + std::to_string(id) +
         ",\"kind\":" + quoted(kKinds[static_cast<std::size_t>(net.nodes[id].kind)]) +
         ",\"live\":" + (plan.readers.live[id] ? "true" : "false") + ",\"from\":[" +
         quoted(kUnits[static_cast<std::size_t>(from.unit)]) + "," + std::to_string(from.layer) + "," +
         std::to_string(from.index) + "],\"low\":" + number(net.ranges[id].low) +
         ",\"high\":" + number(net.ranges[id].high) + ",\"is\":" + quoted(words(net, net.nodes[id])) + "}";
}

std::string tapes(const Plan& plan, std::span<const std::int32_t> tokens) {
  Sequence sequence(plan, std::make_shared<Automaton>(plan, tokens[0]));  // no other run's tapes
  std::vector<std::int32_t> predicted(tokens.size());
  sequence.predict(tokens.data(), tokens.size(), predicted.data());
  return list(sequence.automaton().segments(), [&](const auto& segment) {
    return "{\"class\":" + std::to_string(segment->token_class) +
           ",\"branch\":" + list(segment->tape.branches, [](auto s) { return std::to_string(s); }) +
           ",\"ops\":" +
           list(segment->tape.ops, [&](const Op& op) { return quoted(words(segment->tape, op)); }) + "}";
  });
}

}  // namespace

std::string explain(const Plan& plan, std::span<const std::int32_t> tokens) {
  const Network& net = plan.network;
  std::vector<NodeId> ids(net.nodes.size());
  for (NodeId id = 0; id < ids.size(); ++id) ids[id] = id;
  const auto text = [](const Expr& expr) { return quoted(words(expr)); };
  std::string json = "{\"heads_used\":" + std::to_string(net.heads_used) +
                     ",\"heads_dropped\":" + std::to_string(net.heads_dropped) +
                     ",\"neurons_used\":" + std::to_string(net.neurons_used) +
                     ",\"certificate\":" + certificate(plan);
  json += ",\"nodes\":" + list(ids, [&](NodeId id) { return node(plan, id); });
  json += ",\"stores\":" + list(net.stores, [&](const Store& store) {
            return "{\"key\":" + text(store.key) + ",\"square\":" + text(store.square) +
                   ",\"clear\":" + text(store.clear) + ",\"columns\":" + list(store.columns, text) + "}";
          });
  json += ",\"features\":" + list(net.features, text);
  json += ",\"classes\":" + std::to_string(plan.split.classes.size());
  json += ",\"selectors\":" + list(plan.split.selectors, [](const Selector& selector) {
            return "{\"nodes\":" + list(selector.nodes, [](NodeId id) { return std::to_string(id); }) +
                   ",\"cases\":" + std::to_string(selector.cases()) + "}";
          });
  if (!tokens.empty()) json += ",\"tapes\":" + tapes(plan, tokens);
  return json + "}";
}

}  // namespace tvm::plan
