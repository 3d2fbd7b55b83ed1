// Runs tapes over a sequence, one position after the other.
#include <algorithm>

#include "api/error.hpp"
#include "plan/plan.hpp"

namespace tvm::plan {
namespace {

// Beyond this many tapes positions share the least specialised ones: memory stays bounded.
constexpr std::size_t kMaxTapes = std::size_t{1} << 14;
constexpr std::size_t kBuckets = std::size_t{1} << 12;
// A split value that is not known to the tape.
constexpr std::int64_t kUnknown = INT64_MIN;

}  // namespace

Sequence::Sequence(const Plan& plan)
    : plan_(plan),
      output_(plan.network),
      registers_(plan.network.nodes.size(), 0),
      sums_(plan.network.nodes.size()),
      stores_(plan.network.stores.size()),
      histories_(plan.network.histories.size()),
      first_(plan.split.classes.size()),
      second_(kBuckets),
      key_(plan.split.nodes.size() + 1),
      features_(plan.network.features.size()) {
  for (std::size_t s = 0; s < stores_.size(); ++s) stores_[s].width = plan.network.stores[s].columns.size();
  registers_[kOneNode] = 1;
}

void Sequence::beyond(const char* what) const {
  throw Error(TVM_ERROR_LIMIT, sentence("position ", tokens_.size() - 1, ": ", what));
}

void Sequence::off_plan(const char* what) const {
  throw Error(TVM_ERROR_UNSUPPORTED,
              sentence("path plan: position ", tokens_.size() - 1, ": ", what, "; use path layers"));
}

void Sequence::advance(std::int32_t token, bool predict) {
  const std::size_t position = tokens_.size();
  tokens_.push_back(token);
  if (static_cast<std::int64_t>(position) >= kMaxTokens)
    beyond("the trace is longer than what is certified to be exact (2^31 tokens)");
  registers_[kPositionNode] = static_cast<std::int64_t>(position);
  const std::uint32_t token_class = plan_.split.token_class[static_cast<std::size_t>(token)];
  if (!plan_.split.nodes.empty()) run(first_tape(token_class));
  const Tape& tape = second_tape(token_class);
  run(tape);
  if (!predict) return;
  for (std::size_t f = 0; f < features_.size(); ++f) features_[f] = checked(tape, tape.features[f]);
  next_ = output_.token(features_);
}

const Tape& Sequence::first_tape(std::uint32_t token_class) {
  auto& tape = first_[token_class];
  if (!tape) {
    Scope scope;
    const std::size_t nodes = plan_.network.nodes.size();
    scope.known.resize(nodes);
    for (std::size_t i = 0; i < plan_.split.class_nodes.size(); ++i)
      scope.known[plan_.split.class_nodes[i]] = plan_.split.classes[token_class][i];
    scope.ready.assign(nodes, false);
    scope.reached.assign(nodes, false);
    scope.wanted = plan_.split.nodes;
    scope.first_token = tokens_[0];
    tape = std::make_unique<Tape>(build_tape(plan_.network, plan_.live, scope));
  }
  return *tape;
}

const Tape& Sequence::second_tape(std::uint32_t token_class) {
  std::uint64_t hash = token_class;
  key_[0] = token_class;
  for (std::size_t i = 0; i < plan_.split.nodes.size(); ++i) {
    const NodeId id = plan_.split.nodes[i];
    const std::int64_t found = registers_[id];
    key_[i + 1] = may_specialize(plan_.network, id, found) ? found : kUnknown;
    hash = (hash ^ static_cast<std::uint64_t>(key_[i + 1])) * 0x9E3779B97F4A7C15u;
  }
  if (tapes_ >= kMaxTapes) {
    std::fill(key_.begin() + 1, key_.end(), kUnknown);
    hash = token_class * 0x9E3779B97F4A7C15u;
  }
  auto& bucket = second_[hash >> 52];
  for (const Entry& entry : bucket)
    if (entry.key == key_) return *entry.tape;
  Scope scope;
  const std::size_t nodes = plan_.network.nodes.size();
  scope.known.resize(nodes);
  for (std::size_t i = 0; i < plan_.split.class_nodes.size(); ++i)
    scope.known[plan_.split.class_nodes[i]] = plan_.split.classes[token_class][i];
  scope.ready.assign(nodes, false);
  scope.reached.assign(nodes, false);
  if (first_[token_class]) {
    for (const NodeId id : first_[token_class]->computed) scope.ready[id] = true;
    scope.reached = closure(plan_.network, plan_.split.nodes);
  }
  scope.first_token = tokens_[0];
  for (std::size_t i = 0; i < plan_.split.nodes.size(); ++i)
    if (key_[i + 1] != kUnknown) scope.known[plan_.split.nodes[i]] = key_[i + 1];
  bucket.push_back({key_, std::make_unique<Tape>(build_tape(plan_.network, plan_.live, scope))});
  ++tapes_;
  return *bucket.back().tape;
}

std::int64_t Sequence::value(const Tape& tape, const Linear& linear) const {
  std::int64_t sum = linear.constant;
  const Term* term = tape.terms.data() + linear.first;
  for (std::uint32_t i = 0; i < linear.count; ++i) sum += term[i].weight * registers_[term[i].node];
  return sum;
}

std::int64_t Sequence::checked(const Tape& tape, const Linear& linear) const {
  std::int64_t sum = linear.constant, product = 0;
  const Term* term = tape.terms.data() + linear.first;
  bool left = false;
  for (std::uint32_t i = 0; i < linear.count; ++i) {
    left |= __builtin_mul_overflow(term[i].weight, registers_[term[i].node], &product);
    left |= __builtin_add_overflow(sum, product, &sum);
  }
  if (left) beyond("a value does not fit 64 bits: the exact integers end here");
  return sum;
}

Wide Sequence::wide(const Tape& tape, const Linear& linear) const {
  Wide sum = linear.constant;
  for (std::uint32_t i = 0; i < linear.count; ++i) {
    const Term& term = tape.terms[linear.first + i];
    sum += Wide{term.weight} * registers_[term.node];
  }
  return sum;
}

void Sequence::insert(const Tape& tape, const Op& op) {
  const Insert& how = tape.inserts[op.at];
  if (checked(tape, how.clear) > 0) return;
  const std::int64_t key = checked(tape, how.key);
  if (!how.proved) {
    Wide square = wide(tape, how.rest);
    bool left = false;
    for (const auto& product : how.products) {
      Wide part = 0;
      const Wide gate = wide(tape, product.gate);
      if (gate <= 0) continue;
      left |= __builtin_mul_overflow(gate, wide(tape, product.value), &part);
      left |= __builtin_mul_overflow(part, Wide{product.weight}, &part);
      left |= __builtin_add_overflow(square, part, &square);
    }
    if (left || square != Wide{key} * key) off_plan("a lookup key and its square disagree");
  }
  Records& store = stores_[op.table];
  const std::size_t record = store.keys.put(key, registers_[kPositionNode]);
  if (store.values.size() < (record + 1) * store.width) store.values.resize((record + 1) * store.width);
  std::int64_t* row = store.values.data() + record * store.width;
  for (const auto& [column, expr] : how.columns) row[column] = checked(tape, expr);
}

void Sequence::sum(const Tape& tape, const Op& op) {
  Sum& sum = sums_[op.to];
  const Mean& mean = plan_.network.means[op.table];
  const std::int64_t key = plan_.network.tables[mean.key][static_cast<std::size_t>(tokens_.back())];
  if (sum.count == 0 || key > sum.key) sum = {0, 0, key};
  if (key == sum.key) {
    ++sum.count;
    if (__builtin_add_overflow(sum.total, checked(tape, op.value), &sum.total))
      beyond("a running sum does not fit 64 bits");
  }
  const std::int64_t gate = std::max<std::int64_t>(0, checked(tape, op.gate));
  if (gate == sum.count) {
    registers_[op.to] = sum.total;
    return;
  }
  const Wide scaled = Wide{sum.total} * gate;
  if (scaled % sum.count != 0) off_plan("a mean times its gate is no integer");
  registers_[op.to] = static_cast<std::int64_t>(scaled / sum.count);
}

void Sequence::run(const Tape& tape) {
  std::int64_t* r = registers_.data();
  const Network& net = plan_.network;
  for (const Op& op : tape.ops) {
    switch (op.code) {
      case Code::kToken: r[op.to] = net.tables[op.table][static_cast<std::size_t>(tokens_.back())]; break;
      case Code::kLinear: r[op.to] = op.checked ? checked(tape, op.value) : value(tape, op.value); break;
      case Code::kIndex: {
        const std::int64_t upper = r[op.at == kOneNode ? kPositionNode : op.at];
        const std::int64_t at = op.checked ? checked(tape, op.value) : value(tape, op.value);
        r[op.to] = std::clamp<std::int64_t>(at, 0, upper);
        break;
      }
      case Code::kTokenAt:
        r[op.to] =
            net.tables[op.table][static_cast<std::size_t>(tokens_[static_cast<std::size_t>(r[op.at])])];
        break;
      case Code::kHistoryAt: r[op.to] = histories_[op.table][static_cast<std::size_t>(r[op.at])]; break;
      case Code::kSum: sum(tape, op); break;
      case Code::kLookup: {
        KeyStore& keys = stores_[op.table].keys;
        if (keys.empty()) off_plan("a lookup finds every key cleared");
        r[op.to] = static_cast<std::int64_t>(keys.nearest(checked(tape, op.value)));
        break;
      }
      case Code::kFound: {
        const Records& store = stores_[net.nodes[op.at].table];
        r[op.to] = store.values[static_cast<std::size_t>(r[op.at]) * store.width + op.table];
        break;
      }
      case Code::kProduct: {
        const std::int64_t gate = op.checked ? checked(tape, op.gate) : value(tape, op.gate);
        if (gate <= 0) {
          r[op.to] = 0;
        } else if (!op.checked) {
          r[op.to] = gate * value(tape, op.value);
        } else if (__builtin_mul_overflow(gate, checked(tape, op.value), &r[op.to])) {
          beyond("a product does not fit 64 bits: the exact integers end here");
        }
        break;
      }
      case Code::kStep: {
        const std::int64_t gate = op.checked ? checked(tape, op.gate) : value(tape, op.gate);
        r[op.to] = gate < 1 ? 0 : op.checked ? checked(tape, op.value) : value(tape, op.value);
        break;
      }
      case Code::kEqual: {
        const std::int64_t gate = op.checked ? checked(tape, op.gate) : value(tape, op.gate);
        r[op.to] = gate != 0 ? 0 : op.checked ? checked(tape, op.value) : value(tape, op.value);
        break;
      }
      case Code::kFunction:
        if (!net.functions[op.table].at(r[op.at], r[op.to]))
          beyond("a function of an integer does not fit 64 bits");
        break;
      case Code::kAddToSum:
        if (__builtin_add_overflow(r[op.to], checked(tape, op.value), &r[op.to]))
          beyond("a running sum does not fit 64 bits");
        break;
      case Code::kInsert: insert(tape, op); break;
      case Code::kHistory: histories_[op.table].push_back(checked(tape, op.value)); break;
    }
  }
}

}  // namespace tvm::plan
