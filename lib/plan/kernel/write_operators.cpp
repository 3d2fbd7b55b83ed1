// Operators of tapes as C++.
//
// Enters: an operator and the scope.  Leaves: lines of the block, names of what they compute.
#include <algorithm>

#include "plan/kernel/writer.hpp"

namespace tvm::plan {
namespace {

bool within(const Interval& interval, Wide low, Wide high) {
  return interval.low >= low && interval.high <= high;
}
std::string row_type(std::uint32_t store) { return "Row" + text(store); }

}  // namespace

void Writer::write(const Op& op) {
  switch (op.code) {
    case Code::kCheck: check_sum(op.value); break;
    case Code::kToken: define(op.to, token_table(op.tokens) + "[" + token(0) + "]"); break;
    case Code::kLinear: define(op.to, expression(op.value)); break;
    case Code::kIndex: define(op.to, index(op)); break;
    case Code::kTokenAt:
      if (op.part != 0) far(value(op.at));
      define(op.to, token_table(op.tokens) + "[tokens[" + value(op.at) + "]]");
      break;
    case Code::kTokenNear: {
      const std::string at = index(op);
      if (op.part != 0) far(at);
      define(op.to, token_table(op.tokens) + "[tokens[" + at + "]]");
      break;
    }
    case Code::kTokenSum: token_sum(op); break;
    case Code::kAddToSum: add_to_sum(op); break;
    case Code::kLookup: lookup(op); break;
    case Code::kFound: define(op.to, column_of(row_at(op), op)); break;
    case Code::kMatch: match(op); break;
    case Code::kBatch: batch(tape_->batches[op.part]); break;
    case Code::kProduct: product(op, expression(tape_->gates[op.part])); break;
    case Code::kStep: step_function(op, bracketed(tape_->gates[op.part])); break;
    case Code::kEqual:
      define(op.to, bracketed(tape_->gates[op.part]) + " != 0 ? 0 : " + expression(op.value));
      break;
    case Code::kFunction: function(op); break;
    case Code::kInsert: insert(tape_->inserts[op.part], op.table); break;
    case Code::kBranch: branch(); break;
    case Code::kPredict: predict(); break;
    case Code::kEnd: end(); break;
    default: break;  // is_for_kernels
  }
}

void Writer::check_sum(const Linear& linear) {
  const std::string sum = "v" + text(locals_++);
  std::vector<std::string> parts;
  for (const Term& one : terms(linear))
    parts.push_back("add(" + sum + ", " + text(one.weight) + ", " + value(one.node) + ")");
  line("std::int64_t " + sum + " = " + text(linear.constant) + ";");
  for (const std::string& part : parts) check(part);
}

// Whether the sum of registers and its constant is within 0 .. p, as far as is known.
bool Writer::is_within(const Linear& linear, const std::string& base) {
  const auto seen = scope_->seen.find(base);
  if (seen == scope_->seen.end()) return false;
  const Wide more = Wide{linear.constant} - seen->second.least;
  return more >= 0 && more <= scope_->steps - seen->second.steps;
}

// A position within 0 .. upper: the interpreter cuts it there, and knows what follows from that.
std::string Writer::index(const Op& op) {
  const std::vector<Term> all = terms(op.value);
  const auto is_here = [](const Term& one) { return one.node == kPositionNode; };
  if (op.at == kPositionNode && all.size() == 1 && is_here(all[0]) && all[0].weight == 1 &&
      op.value.constant <= 0 && op.value.constant >= -kernel::kFirstEntered)
    return local(expression(op.value));
  const std::string base = sum(all, 0);
  const bool is_fixed = op.at == kPositionNode && std::none_of(all.begin(), all.end(), is_here);
  if (is_fixed && is_within(op.value, base)) return local(expression(op.value));
  const std::string at = local(expression(op.value));
  check("static_cast<std::uint64_t>(" + at + ") <= static_cast<std::uint64_t>(" + value(op.at) + ")");
  if (is_fixed) scope_->seen[base] = {op.value.constant, scope_->steps};
  return at;
}

// The token so many positions back.
std::string Writer::token(std::int64_t back) {
  const auto given = scope_->given.find(scope_->steps - back);
  if (given != scope_->given.end()) return given->second;
  return back == 0 ? "tokens[p]" : "tokens[p - " + text(back) + "]";
}

void Writer::token_sum(const Op& op) {
  const std::vector<Near> nears(tape_->nears.begin() + op.value.first,
                                tape_->nears.begin() + op.value.first + op.value.more);
  const std::string table = token_table(op.tokens);
  const std::int64_t first = nears.front().offset, last = nears.back().offset;
  const bool is_back = op.at == kPositionNode && op.value.node == kPositionNode && op.value.weight == 1 &&
                       first >= -kernel::kFirstEntered && last <= 0;
  std::string base;
  const auto at = [&](std::int64_t offset) {
    return offset == 0 ? base : base + (offset < 0 ? " - " + text(-offset) : " + " + text(offset));
  };
  if (!is_back) {
    base = local(op.value.weight == 0 ? "0" : term(op.value.weight, op.value.node));
    if (op.at == kPositionNode && last - first <= kernel::kFirstEntered)
      check("static_cast<std::uint64_t>(" + at(first) + ") <= static_cast<std::uint64_t>(p - " +
            text(last - first) + ")");
    else
      check("(" + at(first) + ") >= 0 && (" + at(last) + ") <= " + value(op.at));
  }
  const auto back = [](std::int64_t offset) {
    return "p" + (offset < 0 ? " - " + text(-offset) : std::string());
  };
  if (op.part != 0) far(is_back ? back(first) : at(first), is_back ? back(last) : at(last));
  std::string sum;
  for (const Near& near : nears) {
    const std::string one = is_back ? token(-near.offset) : "tokens[" + at(near.offset) + "]";
    sum += (sum.empty() ? "" : " + ") + (near.weight == 1 ? "" : text(near.weight) + " * ") +
           "static_cast<std::int64_t>(" + table + "[" + one + "])";
  }
  define(op.to, sum);
}

void Writer::add_to_sum(const Op& op) {
  const std::string before = value(op.to), added = expression(op.value);
  define(op.to, before + " + " + added);  // in its bounds as far as a kernel is let go (within_sums)
}

void Writer::lookup(const Op& op) {
  const std::string type = row_type(op.table), row = fresh("row" + text(op.to));
  line("const " + type + "* const " + row + " = find<" + type + ">(s, " + text(op.table) + ", " +
       expression(op.value) + ");");
  check(row + "->high >= 0");
  scope_->names[op.to] = "static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(" + row + "))";
  scope_->rows[op.to] = row;
  written_.insert(op.to);
}

std::string Writer::row_at(const Op& op) {
  if (const auto found = scope_->rows.find(op.at); found != scope_->rows.end()) return found->second;
  const std::string type = "const " + row_type(op.table) + "*", row = fresh("row" + text(op.at));
  line(type + " const " + row + " = reinterpret_cast<" + type + ">(static_cast<std::intptr_t>(" +
       value(op.at) + "));");
  return scope_->rows[op.at] = row;
}

void Writer::match(const Op& op) {
  const std::string row = "v" + text(locals_++), store = text(std::size_t{op.table});
  line("const " + row_type(op.table) + "* const " + row + " = find<" + row_type(op.table) + ">(s, " + store +
       ", " + expression(op.value) + ");");
  check(row + "->high >= 0 || stores_of(s)[" + store + "].records != 0");
  define(op.to, row + "->high < 0 ? 0 : " + column_of(row, op));
}

// One by one: it is the compiler that has lanes for them.
void Writer::batch(const Batch& batch) {
  for (std::size_t i = 0; i < batch.ops.size(); ++i) {
    std::vector<Term> terms;
    for (const Batch::Column& column : batch.columns)
      if (i >= column.begin && i - column.begin < column.weights.size())
        if (const auto weight = static_cast<std::int64_t>(column.weights[i - column.begin]); weight != 0)
          terms.push_back({column.from, weight});
    const std::string gate = sum(terms, static_cast<std::int64_t>(batch.constants[i]));
    const Op& op = batch.ops[i];
    op.code == Code::kStep ? step_function(op, "(" + gate + ")") : product(op, gate);
  }
}

void Writer::step_function(const Op& op, const std::string& gate) {
  define(op.to, gate + " < 1 ? 0 : " + expression(op.value));
}

void Writer::product(const Op& op, const std::string& gate_sum) {
  const std::string gate = local(gate_sum);
  const std::string factor = bracketed(op.value);
  if (within(net_.intervals[op.to], INT64_MIN, INT64_MAX)) {
    define(op.to, gate + " <= 0 ? 0 : " + gate + " * " + factor);
    return;
  }
  const std::string result = "v" + text(locals_++);
  line("std::int64_t " + result + " = 0;");
  check(gate + " <= 0 || !__builtin_mul_overflow(" + gate + ", static_cast<std::int64_t>" + factor + ", &" +
        result + ")");
  define(op.to, result);
}

Interval Writer::interval(const Linear& linear) const {
  Interval sum{linear.constant, linear.constant};
  for (const Term& one : terms(linear)) sum = plus(sum, scaled(net_.intervals[one.node], one.weight));
  return sum;
}

void Writer::function(const Op& op) {
  const Function& f = net_.functions[op.table];
  const std::string table = writing_.tables.name('F', f.values);
  const std::string at = local(expression(op.value));
  const auto last = f.low + static_cast<std::int64_t>(f.values.size()) - 1;
  const Interval range = interval(op.value);
  const std::string entry = table + "[" + at + (f.low == 0 ? "" : " - (" + text(f.low) + ")") + "]";
  std::string result = entry;
  if (!within(range, f.low, last)) {
    if (f.slope != 0) check(at + " <= " + text(last));
    result = at + " < " + text(f.low) + " ? 0 : ";
    if (f.slope == 0) result += at + " > " + text(last) + " ? " + text(f.values.back()) + " : ";
    result += "static_cast<std::int64_t>(" + entry + ")";
  }
  define(op.to, result);
}

void Writer::insert(const Insert& how, std::uint32_t store) {
  const std::string key = local(expression(how.key));
  std::string cleared;
  if (!how.always) {
    cleared = local(expression(how.clear));
    check(cleared + " >= 0");
  }
  const std::string unless = cleared.empty() ? "" : cleared + " > 0 || ";
  if (how.proof == SquareProof::How::kSign)
    check(unless + key + (how.sign > 0 ? " >= 0" : " <= 0"));
  else if (how.proof == SquareProof::How::kCompute)
    check_square(how, key, unless);
  std::vector<std::string> columns;
  for (std::size_t c = 0; c < how.columns.size(); ++c)
    columns.push_back(column(store, c).bytes == 0 ? "" : expression(how.columns[c]));
  const std::string row = "w" + text(locals_++), type = row_type(store);
  const std::string open = cleared.empty() ? "{" : "if (" + cleared + " == 0) {";
  line(open);
  line("  " + type + "* const " + row + " = place<" + type + ">(s, " + text(std::size_t{store}) + ", " + key +
       ");");
  check(row + " != nullptr");
  line("  stamp(*" + row + ", p);");
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const kernel::Column& kept = column(store, c);
    if (kept.bytes == 0) continue;
    const std::string less =
        (kept.from_now ? " - p" : "") + (kept.low == 0 ? std::string() : " - (" + text(kept.low) + ")");
    line("  " + row + "->c" + text(c) + " = static_cast<std::uint" + text(std::size_t{8 * kept.bytes}) +
         "_t>(" + columns[c] + less + ");");
  }
  line("}");
}

std::string Writer::wide(const Linear& linear) {
  const std::string sum = "v" + text(locals_++);
  std::vector<std::string> parts;
  for (const Term& one : terms(linear))
    parts.push_back("add(" + sum + ", " + text(one.weight) + ", " + value(one.node) + ")");
  line("Wide " + sum + " = " + text(linear.constant) + ";");
  for (const std::string& part : parts) check(part);
  return sum;
}
void Writer::check_square(const Insert& how, const std::string& key, const std::string& unless) {
  const std::string square = wide(how.rest), open = "open" + text(locals_++);
  line("bool " + open + " = true;");
  for (const auto& product : how.products) {
    const std::string gate = wide(product.gate), factor = wide(product.value), part = "v" + text(locals_++);
    line("Wide " + part + " = 0;");
    line("if (" + gate + " > 0) " + open + " &= !__builtin_mul_overflow(" + gate + ", " + factor + ", &" +
         part + ") && !__builtin_mul_overflow(" + part + ", Wide{" + text(product.weight) + "}, &" + part +
         ") && !__builtin_add_overflow(" + square + ", " + part + ", &" + square + ");");
  }
  check(unless + "(" + open + " && " + square + " == Wide{" + key + "} * " + key + ")");
}

}  // namespace tvm::plan
