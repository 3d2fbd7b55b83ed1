#include "plan/specialize/fingerprint.hpp"

#include "plan/ir/row_layout.hpp"

namespace tvm::plan {
namespace {

void add(Fingerprint& print, const Tape& tape, const Linear& linear) {
  print.add(linear.constant), print.add(linear.weight), print.add(linear.node);
  print.add(linear.more);
  for (std::uint32_t i = 0; i < linear.more && linear.first + i < tape.terms.size(); ++i)
    print.add(tape.terms[linear.first + i]);
}

// A number for the token table that an op points to.
std::uint64_t table_number(const Network& network, const std::int64_t* tokens) {
  if (tokens == nullptr) return 0;
  std::uint64_t number = 1;
  for (const TokenTable& table : network.tables) {
    if (table.data() == tokens) break;
    ++number;
  }
  return number;
}

}  // namespace

std::uint64_t fingerprint_of(const Subject& subject) {
  const Network& net = subject.network;
  Fingerprint print;
  for (const Node& node : net.nodes) {
    print.add(static_cast<std::uint64_t>(node.kind));
    print.add(node.at), print.add(node.index);
    print.add_all(node.gate), print.add_all(node.value);
  }
  for (const TokenTable& table : net.tables) print.add_all(table);
  for (const Mean& mean : net.means)
    print.add_all(mean.value), print.add(mean.key), print.add_all(mean.count);
  for (std::size_t s = 0; s < net.stores.size(); ++s) {
    const Store& store = net.stores[s];
    print.add_all(store.key), print.add_all(store.square), print.add_all(store.clear);
    for (const Expr& column : store.columns) print.add_all(column);
    const kernel::Layout& layout = subject.layouts[s];
    print.add(layout.row_bytes);
    for (const kernel::Column& column : layout.columns)
      print.add(column.offset), print.add(column.bytes), print.add(column.low),
          print.add(std::uint64_t{column.from_now});
  }
  for (const Expr& history : net.histories) print.add_all(history);
  for (const Function& function : net.functions)
    print.add(function.low), print.add(function.slope), print.add_all(function.values);
  for (const Expr& feature : net.features) print.add_all(feature);
  for (const auto& weights : net.weights) print.add_all(weights);
  print.add_all(net.bias);
  print.add_all(subject.division.token_class);
  for (const bool begins : subject.division.begins) print.add(std::uint64_t{begins});
  for (const Selector& selector : subject.division.selectors) {
    print.add_all(selector.nodes), print.add_all(selector.case_of);
    print.add(static_cast<std::uint64_t>(selector.by)), print.add(selector.at);
    print.add(selector.low), print.add(selector.cases());
  }
  return print.value();
}

std::uint64_t fingerprint_of(const Network& network, const Tape& tape) {
  Fingerprint print;
  for (const Op& op : tape.ops) {
    print.add(static_cast<std::uint64_t>(op.code));
    print.add(op.to), print.add(op.at), print.add(op.table), print.add(op.part);
    print.add(table_number(network, op.tokens));
    if (op.code == Code::kTokenSum) {
      print.add(op.value.weight), print.add(op.value.node);
      for (std::uint32_t i = 0; i < op.value.more; ++i)
        print.add(tape.nears[op.value.first + i].offset), print.add(tape.nears[op.value.first + i].weight);
    } else {
      add(print, tape, op.value);
    }
  }
  for (const Linear& gate : tape.gates) add(print, tape, gate);
  for (const Insert& insert : tape.inserts) {
    print.add(static_cast<std::uint64_t>(insert.always) << 8 | static_cast<std::uint64_t>(insert.proof));
    print.add(insert.sign);
    for (const Linear* part : {&insert.key, &insert.clear, &insert.rest}) add(print, tape, *part);
    for (const Linear& column : insert.columns) add(print, tape, column);
  }
  for (const Digit& digit : tape.digits) print.add(digit.node), print.add(digit.low), print.add(digit.size);
  print.add(std::uint64_t{tape.entries});
  print.add_all(tape.branches);
  print.add_all(tape.computed);
  return print.value();
}

std::uint64_t fingerprint_of(const AbstractState& known) {
  Fingerprint print;
  print.add(std::uint64_t{known.first});
  print.add_all(known.cases);
  for (NodeId id = 0; id < known.valid.size(); ++id)
    if (known.valid[id]) print.add(id);
  return print.value();
}

}  // namespace tvm::plan
