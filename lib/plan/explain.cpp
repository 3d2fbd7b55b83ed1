#include "plan/explain.hpp"

#include <iterator>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "plan/run/interpreter.hpp"

namespace tvm::plan {
namespace {

// Kinds of nodes by number: a name, and what the node is, with the braces to be filled in. The names are keys
// of pyvm/commands/explain.py.
struct KindText {
  const char *name, *words;
};
constexpr KindText kKinds[] = {
    {"one", "1"},
    {"position", "the position"},
    {"token", "table {index}[token]"},
    {"linear", "{value}"},
    {"index", "{value} within 0 .. {at}"},
    {"token at", "table {index}[token at {at}]"},
    {"history at", "({value}) at position {at}"},
    {"sum", "({gate}) * mean of {mean}"},
    {"lookup", "newest record of store {index} with key nearest {value}"},
    {"found", "column {index} of record {at}"},
    {"product", "({value}) * max(0, {gate})"},
    {"step", "{value} if {gate} >= 1 else 0"},
    {"equal", "{value} if {gate} = 0 else 0"},
    {"function", "function {index}({value})"},
    {"opaque", "no integer, which nobody computes"},
};
static_assert(std::size(kKinds) == static_cast<std::size_t>(Kind::kOpaque) + 1);
constexpr const char* kUnits[] = {"input", "head", "neuron", "attention slot", "ffn slot"};
static_assert(std::size(kUnits) == static_cast<std::size_t>(Origin::Unit::kFfnSlot) + 1);

// The template with each {name} replaced by what `part` says of the name.
template <class Part>
std::string filled(std::string_view words, Part&& part) {
  std::string text;
  while (true) {
    const std::size_t open = words.find('{'), close = words.find('}');
    text += words.substr(0, open);
    if (open == std::string_view::npos) return text;
    text += part(words.substr(open + 1, close - open - 1));
    words.remove_prefix(close + 1);
  }
}

// Joins what `make` makes of the items.
template <class Items, class Make>
std::string joined(const Items& items, const char* separator, Make&& make) {
  std::string text;
  bool first = true;
  for (const auto& item : items) {
    text += (first ? "" : separator) + make(item);
    first = false;
  }
  return text;
}
template <class Items, class Make>
std::string list(const Items& items, Make&& make) {
  return "[" + joined(items, ",", make) + "]";
}
std::string quoted(const std::string& text) { return "\"" + text + "\""; }

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
  if (node.kind == Kind::kSum && net.counts_all(node)) return "running sum of " + words(net.mean(node).value);
  return filled(kKinds[static_cast<std::size_t>(node.kind)].words, [&](std::string_view part) {
    if (part == "index") return std::to_string(node.index);
    if (part == "value") return words(node.value);
    if (part == "gate") return words(node.gate);
    if (part == "mean") return words(net.mean(node).value);
    return register_name(node.at == kOneNode ? kPositionNode : node.at);
  });
}

// The tokens of a kTokenSum.
std::string near_words(const Tape& tape, const Op& op) {
  const std::span<const Near> nears(tape.nears.data() + op.value.first, op.value.more);
  return joined(nears, " + ", [&](const Near& near) {
    std::string base;
    append_term(base, op.value.weight, op.value.node);
    if (near.offset != 0) append_term(base, near.offset, kOneNode);
    return std::to_string(near.weight) + " table[token at " + base + "]";
  });
}

std::string words(const Tape& tape, const Insert& insert) {
  return words(tape, insert.key) + (insert.always ? "" : " unless cleared by " + words(tape, insert.clear)) +
         ": (" + joined(insert.columns, ", ", [&](const Linear& column) { return words(tape, column); }) +
         ")";
}

std::string words(const Tape& tape, const Op& op) {
  return filled(text_of(op.code).words, [&](std::string_view part) -> std::string {
    if (part == "to") return register_name(op.to);
    if (part == "at") return register_name(op.at);
    if (part == "value") return words(tape, op.value);
    if (part == "gate") return words(tape, tape.gates[op.part]);
    if (part == "table") return std::to_string(op.table);
    if (part == "part") return std::to_string(op.part);
    if (part == "nears") return near_words(tape, op);
    if (part == "batch") return std::to_string(tape.batches[op.part].ops.size());
    if (part == "record") return words(tape, tape.inserts[op.part]);
    if (part == "entries") return std::to_string(tape.entries);
    return joined(tape.features, ", ", [&](const Linear& feature) { return words(tape, feature); });
  });
}

std::string certificate(const Plan& plan) {
  const Network& net = plan.network();
  Interval keys;
  for (const Store& store : net.stores) keys = hull(keys, net.interval(store.key));
  std::size_t nodes = 0;
  std::vector<NodeId> checked;
  for (NodeId id = 0; id < net.nodes.size(); ++id) {
    if (!plan.subject().uses.live[id]) continue;
    ++nodes;
    if (may_leave(net.nodes[id].gate, net.intervals) || may_leave(net.nodes[id].value, net.intervals))
      checked.push_back(id);
  }
  return "{\"tokens\":" + number(kMaxTokens) + ",\"sums\":" + number(kSumBound) + ",\"keys\":[" +
         number(keys.low) + "," + number(keys.high) + "],\"nodes\":" + std::to_string(nodes) +
         ",\"checked\":" + list(checked, [](NodeId id) { return std::to_string(id); }) + "}";
}

std::string node(const Plan& plan, NodeId id) {
  const Network& net = plan.network();
  const Origin& from = net.origins[id];
  return "{\"id\":" + std::to_string(id) +
         ",\"kind\":" + quoted(kKinds[static_cast<std::size_t>(net.nodes[id].kind)].name) +
         ",\"live\":" + (plan.subject().uses.live[id] ? "true" : "false") + ",\"from\":[" +
         quoted(kUnits[static_cast<std::size_t>(from.unit)]) + "," + std::to_string(from.layer) + "," +
         std::to_string(from.index) + "],\"low\":" + number(net.intervals[id].low) +
         ",\"high\":" + number(net.intervals[id].high) + ",\"is\":" + quoted(words(net, net.nodes[id])) + "}";
}

std::string tapes(const Plan& plan, std::span<const kernel::Token> tokens) {
  Interpreter interpreter(
      plan.subject(), std::make_shared<BlockVersions>(plan.subject(), tokens[0]));  // no other run's tapes
  std::vector<std::int32_t> predicted(tokens.size());
  interpreter.predict(tokens.data(), tokens.size(), predicted.data());
  return list(interpreter.versions().blocks(), [&](const auto& block) {
    return "{\"class\":" + std::to_string(block->token_class) +
           ",\"branch\":" + list(block->tape.branches, [](auto s) { return std::to_string(s); }) +
           ",\"ops\":" + list(block->tape.ops, [&](const Op& op) { return quoted(words(block->tape, op)); }) +
           "}";
  });
}

}  // namespace

std::string explain(const Plan& plan, std::span<const kernel::Token> tokens) {
  const Network& net = plan.network();
  std::vector<NodeId> ids(net.nodes.size());
  for (NodeId id = 0; id < ids.size(); ++id) ids[id] = id;
  const auto text = [](const Expr& expr) { return quoted(words(expr)); };
  std::string json = "{\"heads_used\":" + std::to_string(net.heads_used) +
                     ",\"heads_dropped\":" + std::to_string(net.heads_dropped) +
                     ",\"neurons_used\":" + std::to_string(net.neurons_used) +
                     ",\"certificate\":" + certificate(plan);
  json += ",\"kinds\":" + list(kKinds, [](const KindText& kind) { return quoted(kind.name); });
  json += ",\"units\":" + list(kUnits, [](const char* unit) { return quoted(unit); });
  json += ",\"nodes\":" + list(ids, [&](NodeId id) { return node(plan, id); });
  json += ",\"stores\":" + list(net.stores, [&](const Store& store) {
            return "{\"key\":" + text(store.key) + ",\"square\":" + text(store.square) +
                   ",\"clear\":" + text(store.clear) + ",\"columns\":" + list(store.columns, text) + "}";
          });
  json += ",\"features\":" + list(net.features, text);
  json += ",\"classes\":" + std::to_string(plan.division().classes.size());
  json += ",\"selectors\":" + list(plan.division().selectors, [](const Selector& selector) {
            return "{\"nodes\":" + list(selector.nodes, [](NodeId id) { return std::to_string(id); }) +
                   ",\"cases\":" + std::to_string(selector.cases()) + "}";
          });
  if (!tokens.empty()) json += ",\"tapes\":" + tapes(plan, tokens);
  return json + "}";
}

}  // namespace tvm::plan
