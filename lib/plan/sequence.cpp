#include "plan/sequence.hpp"

#include <algorithm>

#include "api/error.hpp"

namespace tvm::plan {

Sequence::Sequence(const Plan& plan, std::int32_t first_token)
    : plan_(plan),
      automaton_(plan, first_token),
      state_(automaton_.start()),
      output_(plan.network),
      registers_(plan.network.nodes.size(), 0),
      sums_(plan.network.nodes.size()),
      histories_(plan.network.histories.size()),
      features_(plan.network.features.size()) {
  for (const Store& store : plan.network.stores) stores_.emplace_back(store.columns.size());
  registers_[kOneNode] = 1;
}

void Sequence::beyond(const char* what) const {
  throw Error(TVM_ERROR_LIMIT, sentence("position ", position_, ": ", what));
}

void Sequence::off_plan(const char* what) const {
  throw Error(TVM_ERROR_UNSUPPORTED,
              sentence("path plan: position ", position_, ": ", what, "; use path layers"));
}

inline std::int64_t Sequence::value(const Tape& tape, const Linear& linear) const {
  std::int64_t sum = linear.constant + linear.weight * registers_[linear.node];
  const Term* term = tape.terms.data() + linear.first;
  for (std::uint32_t i = 0; i < linear.more; ++i) sum += term[i].weight * registers_[term[i].node];
  return sum;
}

std::int64_t Sequence::checked(const Tape& tape, const Linear& linear) const {
  const Wide sum = wide(tape, linear);
  if (sum < INT64_MIN || sum > INT64_MAX) beyond("a value does not fit 64 bits: the exact integers end here");
  return static_cast<std::int64_t>(sum);
}

Wide Sequence::wide(const Tape& tape, const Linear& linear) const {
  Wide sum = linear.constant + Wide{linear.weight} * registers_[linear.node];
  for (std::uint32_t i = 0; i < linear.more; ++i) {
    const Term& term = tape.terms[linear.first + i];
    sum += Wide{term.weight} * registers_[term.node];
  }
  return sum;
}

void Sequence::check_square(const Tape& tape, const Insert& how, std::int64_t key) const {
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

inline void Sequence::insert(const Tape& tape, const Op& op) {
  const Insert& how = tape.inserts[op.at];
  const auto eval = [&](const Linear& linear) {
    return op.checked ? checked(tape, linear) : value(tape, linear);
  };
  if (!how.always && eval(how.clear) > 0) return;
  const std::int64_t key = eval(how.key);
  if (how.proof == Insert::Proof::kSign) {
    if (how.sign > 0 ? key < 0 : key > 0) off_plan("a lookup key and its square disagree");
  } else if (how.proof == Insert::Proof::kCompute) {
    check_square(tape, how, key);
  }
  std::int64_t* row = stores_[op.table].put(key, registers_[kPositionNode]);
  for (const auto& [column, expr] : how.columns) row[column] = eval(expr);
}

void Sequence::sum(const Tape& tape, const Op& op, std::int32_t token) {
  Sum& sum = sums_[op.to];
  const Mean& mean = plan_.network.means[op.table];
  const std::int64_t key = plan_.network.tables[mean.key][static_cast<std::size_t>(token)];
  if (sum.count == 0 || key > sum.key) sum = {0, 0, key};
  if (key == sum.key) {
    ++sum.count;
    if (__builtin_add_overflow(sum.total, checked(tape, op.value), &sum.total))
      beyond("a running sum does not fit 64 bits");
  }
  const std::int64_t gate = std::max<std::int64_t>(0, checked(tape, tape.gates[op.gate]));
  const Wide scaled = Wide{sum.total} * gate;
  if (scaled % sum.count != 0) off_plan("a mean times its gate is no integer");
  const Wide result = scaled / sum.count;
  if (result > kSumBound || result < -kSumBound) beyond("a running sum leaves what is exact (2^53)");
  registers_[op.to] = static_cast<std::int64_t>(result);
}

std::int32_t Sequence::output(Tape& tape, const Op& op) {
  for (std::size_t f = 0; f < features_.size(); ++f)
    features_[f] = op.checked ? checked(tape, tape.features[f]) : value(tape, tape.features[f]);
  return output_.token(features_);
}

Segment* Sequence::branch(Segment& segment, const std::int32_t* tokens) {
  std::size_t index = 0, radix = 1;
  for (const auto s : segment.tape.branches) {
    const Selector& selector = plan_.split.selectors[s];
    const std::size_t cases = selector.cases();
    std::size_t found = cases;
    if (selector.by == Selector::By::kValue) {
      const std::int64_t value = registers_[selector.nodes[0]];
      if (value >= selector.low && value - selector.low < static_cast<std::int64_t>(cases))
        found = static_cast<std::size_t>(value - selector.low);
    } else if (selector.by == Selector::By::kTokenAt) {
      found = selector.case_of[static_cast<std::size_t>(tokens[registers_[selector.at]])];
    } else {
      const auto last = static_cast<std::int64_t>(selector.case_of.size()) - 1;
      const std::int64_t at = registers_[selector.at];
      found = selector.case_of[static_cast<std::size_t>(
          at < selector.low ? 0 : at - selector.low > last ? last : at - selector.low)];
    }
    index += radix * found;
    radix *= cases + 1;
  }
  Segment* next = segment.targets[index];
  return next != nullptr ? next : automaton_.target(segment, index);
}

// Reads tokens[position_]; returns the prediction of the token behind it.
template <bool predicting>
inline std::int32_t Sequence::advance(const std::int32_t* tokens) {
  const Network& net = plan_.network;
  const std::int32_t token = tokens[position_];
  const std::uint32_t token_class = plan_.split.token_class[static_cast<std::size_t>(token)];
  std::int64_t* r = registers_.data();
  r[kPositionNode] = static_cast<std::int64_t>(position_);
  Segment* segment = state_->next[predicting][token_class];
  if (segment == nullptr) segment = automaton_.step(*state_, token_class, predicting);
  Tape* tape = &segment->tape;
  std::int32_t next = -1;
  for (const Op* op = tape->ops.data();; ++op) {
    switch (op->code) {
      case Code::kToken: r[op->to] = net.tables[op->table][static_cast<std::size_t>(token)]; continue;
      case Code::kLinear: r[op->to] = value(*tape, *op); continue;
      case Code::kIndex: {
        const std::int64_t at = value(*tape, *op), upper = r[op->at];
        cut_ |= at > upper;
        r[op->to] = std::clamp<std::int64_t>(at, 0, upper);
        continue;
      }
      case Code::kTokenAt:
        r[op->to] = net.tables[op->table][static_cast<std::size_t>(tokens[r[op->at]])];
        continue;
      case Code::kTokenNear: {
        const std::int64_t at = value(*tape, *op), upper = r[op->at];
        cut_ |= at > upper;
        r[op->to] = net.tables[op->table][static_cast<std::size_t>(tokens[std::clamp<std::int64_t>(at, 0, upper)])];
        continue;
      }
      case Code::kHistoryAt: r[op->to] = histories_[op->table][static_cast<std::size_t>(r[op->at])]; continue;
      case Code::kSum: sum(*tape, *op, token); continue;
      case Code::kAddToSum: {
        std::int64_t total = 0;
        if (__builtin_add_overflow(r[op->to], value(*tape, *op), &total) || total > kSumBound || total < -kSumBound)
          beyond("a running sum leaves what is exact (2^53)");
        r[op->to] = total;
        continue;
      }
      case Code::kLookup:
        if (stores_[op->table].empty()) off_plan("a lookup finds every key cleared");
        r[op->to] = static_cast<std::int64_t>(stores_[op->table].nearest(value(*tape, *op)));
        continue;
      case Code::kFound:
        r[op->to] = stores_[op->store].row(static_cast<std::size_t>(r[op->at]))[op->table];
        continue;
      case Code::kMatch: {
        const RecordStore& store = stores_[op->table];
        if (store.empty()) off_plan("a lookup finds every key cleared");
        const std::int64_t* row = store.get(value(*tape, *op));
        r[op->to] = row == nullptr ? 0 : row[op->at];
        continue;
      }
      case Code::kProduct: {
        const Linear& opening = tape->gates[op->gate];
        if (op->checked) {
          const std::int64_t gate = checked(*tape, opening);
          if (gate <= 0)
            r[op->to] = 0;
          else if (__builtin_mul_overflow(gate, checked(*tape, op->value), &r[op->to]))
            beyond("a product does not fit 64 bits: the exact integers end here");
          continue;
        }
        const std::int64_t gate = value(*tape, opening);
        r[op->to] = gate <= 0 ? 0 : gate * value(*tape, op->value);
        continue;
      }
      case Code::kStep: {
        const Linear& gate = tape->gates[op->gate];
        r[op->to] = (op->checked ? checked(*tape, gate) : value(*tape, gate)) < 1 ? 0 : value(*tape, *op);
        continue;
      }
      case Code::kEqual: {
        const Linear& gate = tape->gates[op->gate];
        r[op->to] = (op->checked ? checked(*tape, gate) : value(*tape, gate)) != 0 ? 0 : value(*tape, *op);
        continue;
      }
      case Code::kFunction:
        if (!net.functions[op->table].at(r[op->at], r[op->to]))
          beyond("a function of an integer does not fit 64 bits");
        continue;
      case Code::kInsert: insert(*tape, *op); continue;
      case Code::kHistory: histories_[op->table].push_back(value(*tape, *op)); continue;
      case Code::kBranch:
        segment = branch(*segment, tokens);
        tape = &segment->tape;
        op = tape->ops.data() - 1;
        continue;
      case Code::kRecall:
        next = tape->tokens[static_cast<std::size_t>(value(*tape, tape->entry))];
        if (next < 0) continue;
        break;
      case Code::kPredict:
        next = output(*tape, *op);
        if (!tape->tokens.empty()) tape->tokens[static_cast<std::size_t>(value(*tape, tape->entry))] = next;
        break;
      case Code::kEnd: break;
    }
    break;
  }
  // A cut index is not what it was one position on: nothing may be taken over.
  state_ = cut_ ? automaton_.nothing_known() : segment->after;
  cut_ = false;
  ++position_;
  return next;
}

void Sequence::read(const std::int32_t* tokens, std::size_t end) {
  while (position_ < end) advance<false>(tokens);
}

void Sequence::generate(std::int32_t* tokens, std::size_t end, std::int32_t stop) {
  while (position_ + 1 < end) {
    const std::int32_t next = advance<true>(tokens);
    tokens[position_] = next;
    if (next == stop) return;
  }
}

std::size_t Sequence::verify(const std::int32_t* tokens, std::size_t end, std::int32_t& found) {
  while (position_ + 1 < end) {
    const std::int32_t next = advance<true>(tokens);
    if (next != tokens[position_]) {
      found = next;
      return position_;
    }
  }
  return end;
}

void Sequence::predict(const std::int32_t* tokens, std::size_t end, std::int32_t* predicted) {
  while (position_ + 1 < end) *predicted++ = advance<true>(tokens);
}

}  // namespace tvm::plan
