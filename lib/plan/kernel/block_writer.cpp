#include "plan/kernel/block_writer.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "plan/ir/row_layout.hpp"

namespace tvm::plan {
namespace {

std::string text(std::int64_t value) {
  if (value == INT64_MIN) return "INT64_MIN";
  return std::to_string(value) + (value > INT32_MAX || value < INT32_MIN ? "LL" : "");
}
std::string text(std::size_t value) { return std::to_string(value); }

bool within(const Interval& interval, Wide low, Wide high) {
  return interval.low >= low && interval.high <= high;
}

class Writer {
 public:
  Writer(const Writing& writing, const Block& block, std::uint32_t number)
      : writing_(writing), net_(writing.subject.network), block_(block), tape_(block.tape), number_(number) {}

  std::string run() {
    for (const Op& op : tape_.ops) {
      if (op.code == Code::kRecall) {
        recall(op);
        break;  // what comes behind it computes an entry
      }
      if (op.code == Code::kEnd)
        end();
      else
        write(op);
    }
    std::string out = "BLOCK(" + text(std::size_t{number_}) +
                      ") {\n  constexpr std::uint32_t here = " + text(std::size_t{number_}) + ";\n";
    if (!block_.rest) out += "  if (UNLIKELY(p >= limit)) LEAVE(Left::kBefore);\n";
    return out + body_ + "}\n\n";
  }

 private:
  void line(const std::string& statement) { body_ += "  " + statement + "\n"; }
  void check(const std::string& condition) { line("CHECK(" + condition + ");"); }

  // A register's value here.
  std::string value(NodeId id) {
    if (id == kOneNode) return "1";
    if (id == kPositionNode) return "static_cast<std::int64_t>(p)";
    if (const auto found = names_.find(id); found != names_.end()) return found->second;
    for (std::size_t i = 0; i < writing_.sums.size(); ++i)
      if (writing_.sums[i] == id) return names_[id] = "sum" + text(i);
    const std::string name = "n" + text(std::size_t{id});
    line("const std::int64_t " + name + " = R(" + text(std::size_t{id}) + ");");
    return names_[id] = name;
  }
  void define(NodeId id, const std::string& expression) {
    // A sum's old value has the plain name.
    const std::string name = "n" + text(std::size_t{id}) + (names_.count(id) > 0 ? "_next" : "");
    line("const std::int64_t " + name + " = " + expression + ";");
    names_[id] = name;
    written_.insert(id);
  }

  std::string term(std::int64_t weight, NodeId id) {
    const std::string name = value(id);
    return weight == 1 ? name : text(weight) + " * " + name;
  }
  std::vector<Term> terms(const Linear& linear) const {
    std::vector<Term> all;
    if (linear.weight != 0) all.push_back({linear.node, linear.weight});
    for (std::uint32_t i = 0; i < linear.more; ++i) all.push_back(tape_.terms[linear.first + i]);
    return all;
  }
  // Without its constant; "" when there is nothing else.
  std::string sum_of_terms(const Linear& linear) {
    std::string sum;
    for (const Term& one : terms(linear)) {
      const std::string part = term(one.weight, one.node);
      sum += sum.empty() ? part : part[0] == '-' ? " - " + part.substr(1) : " + " + part;
    }
    return sum;
  }
  std::string expression(const Linear& linear) {
    const std::string sum = sum_of_terms(linear);
    if (sum.empty()) return text(linear.constant);
    if (linear.constant == 0) return sum;
    if (linear.constant == INT64_MIN) return sum + " + INT64_MIN";
    return sum + (linear.constant < 0 ? " - " + text(-linear.constant) : " + " + text(linear.constant));
  }
  std::string bracketed(const Linear& linear) { return "(" + expression(linear) + ")"; }

  std::string token_table(const std::int64_t* tokens) {
    return writing_.tables.name('T', {tokens, tokens + net_.bias.size()});
  }
  // A fresh local variable.
  std::string local(const std::string& expression, const char* type = "std::int64_t") {
    const std::string name = "v" + text(locals_++);
    line("const " + std::string(type) + " " + name + " = " + expression + ";");
    return name;
  }
  std::string row_type(std::uint32_t store) const { return "Row" + text(std::size_t{store}); }
  const kernel::Column& column(std::uint32_t store, std::size_t part) {
    if (layouts_.count(store) == 0)
      layouts_[store] = layout_of(net_, net_.stores[store], writing_.subject.uses.columns[store]);
    return layouts_[store].columns[part];
  }
  std::string column_of(const std::string& row, const Op& op) {
    const kernel::Column& kept = column(op.table, op.part);
    if (kept.bytes == 0) return "0";
    const std::string raw = "static_cast<std::int64_t>(" + row + "->c" + text(std::size_t{op.part}) + ")";
    return kept.low == 0 ? raw : raw + (kept.low < 0 ? " - " + text(-kept.low) : " + " + text(kept.low));
  }

  void write(const Op& op) {
    switch (op.code) {
      case Code::kCheck: check_sum(op.value); break;
      case Code::kToken: define(op.to, token_table(op.tokens) + "[tokens[p]]"); break;
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
      case Code::kLookup: {
        const std::string name = "row" + text(std::size_t{op.to});
        line("const " + row_type(op.table) + "* const " + name + " = find<" + row_type(op.table) + ">(s, " +
             text(std::size_t{op.table}) + ", " + expression(op.value) + ");");
        check(name + "->now >= 0");
        names_[op.to] = "static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(" + name + "))";
        rows_[op.to] = name;
        written_.insert(op.to);
        break;
      }
      case Code::kFound: found(op); break;
      case Code::kMatch: match(op); break;
      case Code::kProduct: product(op); break;
      case Code::kStep:
        define(op.to, bracketed(tape_.gates[op.part]) + " < 1 ? 0 : " + expression(op.value));
        break;
      case Code::kEqual:
        define(op.to, bracketed(tape_.gates[op.part]) + " != 0 ? 0 : " + expression(op.value));
        break;
      case Code::kFunction: function(op); break;
      case Code::kInsert: insert(tape_.inserts[op.part], op.table); break;
      case Code::kBranch: branch(); break;
      default: break;  // is_for_kernels
    }
  }

  void check_sum(const Linear& linear) {
    std::string condition;
    const std::string sum = "v" + text(locals_++);
    std::vector<std::string> parts;
    for (const Term& one : terms(linear))
      parts.push_back("add(" + sum + ", " + text(one.weight) + ", " + value(one.node) + ")");
    line("std::int64_t " + sum + " = " + text(linear.constant) + ";");
    for (const std::string& part : parts) check(part);
  }

  // A position within 0 .. upper: the interpreter cuts it there, and knows what follows from that.
  std::string index(const Op& op) {
    const std::string upper = value(op.at), at = local(expression(op.value));
    check("static_cast<std::uint64_t>(" + at + ") <= static_cast<std::uint64_t>(" + upper + ")");
    return at;
  }

  // What is not held is for the interpreter to say.
  void far(const std::string& at) { check("static_cast<std::uint64_t>(" + at + ") < s->held"); }

  void token_sum(const Op& op) {
    const std::vector<Near> nears(tape_.nears.begin() + op.value.first,
                                  tape_.nears.begin() + op.value.first + op.value.more);
    const std::string table = token_table(op.tokens), upper = value(op.at);
    const std::string base = local(op.value.weight == 0 ? "0" : term(op.value.weight, op.value.node));
    const auto at = [&](const Near& near) {
      return near.offset == 0
                 ? base
                 : base + (near.offset < 0 ? " - " + text(-near.offset) : " + " + text(near.offset));
    };
    check("(" + at(nears.front()) + ") >= 0 && (" + at(nears.back()) + ") <= " + upper);
    if (op.part != 0) far(at(nears.back()));
    std::string sum;
    for (const Near& near : nears)
      sum += (sum.empty() ? "" : " + ") + text(near.weight) + " * static_cast<std::int64_t>(" + table +
             "[tokens[" + at(near) + "]])";
    define(op.to, sum);
  }

  void add_to_sum(const Op& op) {
    const std::string before = value(op.to), added = expression(op.value);
    const Interval& all = net_.intervals[op.to];
    if (within(all, -kSumBound, kSumBound)) {
      define(op.to, before + " + " + added);
      return;
    }
    const std::string sum = "v" + text(locals_++);
    line("std::int64_t " + sum + " = " + before + ";");
    check("add(" + sum + ", 1, " + added + ") && " + sum + " <= " + text(kSumBound) + " && " + sum +
          " >= " + text(-kSumBound));
    define(op.to, sum);
  }

  std::string row_at(const Op& op) {
    if (const auto found = rows_.find(op.at); found != rows_.end()) return found->second;
    const std::string type = "const " + row_type(op.table) + "*";
    const std::string name = "row" + text(std::size_t{op.at});
    line(type + " const " + name + " = reinterpret_cast<" + type + ">(static_cast<std::intptr_t>(" +
         value(op.at) + "));");
    return rows_[op.at] = name;
  }
  void found(const Op& op) {
    const std::string row = row_at(op);
    define(op.to, column_of(row, op));
  }

  void match(const Op& op) {
    const std::string row = "v" + text(locals_++), store = text(std::size_t{op.table});
    line("const " + row_type(op.table) + "* const " + row + " = find<" + row_type(op.table) + ">(s, " +
         store + ", " + expression(op.value) + ");");
    check(row + "->now >= 0 || s->stores[" + store + "].records != 0");
    define(op.to, row + "->now < 0 ? 0 : " + column_of(row, op));
  }

  void product(const Op& op) {
    const std::string gate = local(expression(tape_.gates[op.part]));
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

  Interval interval(const Linear& linear) const {
    Interval sum{linear.constant, linear.constant};
    for (const Term& one : terms(linear)) sum = plus(sum, scaled(net_.intervals[one.node], one.weight));
    return sum;
  }

  void function(const Op& op) {
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

  void insert(const Insert& how, std::uint32_t store) {
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
    line("  " + type + "* const " + row + " = place<" + type + ">(s, " + text(std::size_t{store}) + ", " +
         key + ");");
    check(row + " != nullptr");
    line("  " + row + "->now = static_cast<std::int32_t>(p);");
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const kernel::Column& kept = column(store, c);
      if (kept.bytes == 0) continue;
      const std::string less = kept.low == 0 ? "" : " - (" + text(kept.low) + ")";
      line("  " + row + "->c" + text(c) + " = static_cast<std::uint" + text(std::size_t{8 * kept.bytes}) +
           "_t>(" + columns[c] + less + ");");
    }
    line("}");
  }

  std::string wide(const Linear& linear) {
    const std::string sum = "v" + text(locals_++);
    std::vector<std::string> parts;
    for (const Term& one : terms(linear))
      parts.push_back("add(" + sum + ", " + text(one.weight) + ", " + value(one.node) + ")");
    line("Wide " + sum + " = " + text(linear.constant) + ";");
    for (const std::string& part : parts) check(part);
    return sum;
  }
  void check_square(const Insert& how, const std::string& key, const std::string& unless) {
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

  // Registers that are read later; then the sums take their new values.
  void keep(const std::vector<bool>* valid) {
    for (const NodeId id : written_) {
      const auto sum = std::find(writing_.sums.begin(), writing_.sums.end(), id);
      if (sum != writing_.sums.end()) continue;
      const bool is_sum = net_.nodes[id].kind == Kind::kSum;
      if (valid == nullptr || (*valid)[id] || is_sum)
        line("R(" + text(std::size_t{id}) + ") = " + names_[id] + ";");
    }
    for (std::size_t i = 0; i < writing_.sums.size(); ++i)
      if (written_.count(writing_.sums[i]) > 0)
        line("sum" + text(i) + " = " + names_[writing_.sums[i]] + ";");
  }

  // Modulo 2^64: what is below is far beyond.
  std::string beyond_low(const std::string& at, const std::string& low) {
    return local("static_cast<std::uint64_t>(" + at + ") - static_cast<std::uint64_t>(" + low + ")",
                 "std::uint64_t");
  }
  std::string case_of(const Selector& selector) {
    const std::vector<std::int64_t> cases(selector.case_of.begin(), selector.case_of.end());
    switch (selector.by) {
      case Selector::By::kTokenAt:
        return writing_.tables.name('C', cases) + "[tokens[" + value(selector.at) + "]]";
      case Selector::By::kFunction: {
        const std::string table = writing_.tables.name('C', cases), at = value(selector.at);
        const std::string low = text(selector.low), count = text(selector.case_of.size());
        const std::string beyond = beyond_low(at, low);
        return table + "[" + at + " < " + low + " ? 0 : " + beyond + " < " + count + " ? " + beyond + " : " +
               count + " - 1]";
      }
      case Selector::By::kValue: break;
    }
    const std::string at = beyond_low(value(selector.nodes[0]), text(selector.low));
    const std::string count = text(std::size_t{selector.cases()});
    return "(" + at + " < " + count + " ? " + at + " : " + count + ")";
  }
  void branch() {
    std::string sum;
    std::size_t radix = 1;
    std::uint32_t is_far = tape_.ops.back().part;
    for (const auto s : tape_.branches) {
      const Selector& selector = writing_.subject.division.selectors[s];
      if (is_far & 1) far(value(selector.at));
      is_far >>= 1;
      sum += (sum.empty() ? "" : " + ") + (radix == 1 ? "" : text(radix) + " * ") +
             ("static_cast<std::uint64_t>(" + case_of(selector) + ")");
      radix *= selector.values.size() + 1;
    }
    const std::string index = local(sum, "std::uint64_t");
    keep(nullptr);
    line("switch (" + index + ") {");
    for (std::size_t i = 0; i < block_.targets.size(); ++i)
      if (const auto target = writing_.number(block_.targets[i].load(std::memory_order_acquire)))
        line("  case " + text(i) + ": GO(" + text(std::size_t{*target}) + ");");
    line("  default: LEAVE(Left::kAtBranch);");
    line("}");
  }

  void recall(const Op& op) {
    const std::vector<std::int32_t> found = writing_.predictions.table_of(tape_);
    const std::vector<std::int64_t> table(found.begin(), found.end());
    // What follows each entry: a block of the kernel, numbered from 1 as they come.
    std::vector<std::uint32_t> following;
    std::vector<std::int64_t> ways;
    bool missing = false, stops = false;
    for (const std::int32_t token : found) {
      std::optional<std::uint32_t> next;
      missing |= token < 0;
      stops |= token == writing_.stop;
      if (token >= 0 && token != writing_.stop)
        next = writing_.number(
            block_.after->next[1][writing_.subject.division.token_class[static_cast<std::size_t>(token)]]
                .load(std::memory_order_acquire));
      const auto known = next ? std::find(following.begin(), following.end(), *next) : following.end();
      if (next && known == following.end()) {
        following.push_back(*next);
        ways.push_back(static_cast<std::int64_t>(following.size()));
      } else {
        ways.push_back(next ? known - following.begin() + 1 : 0);
      }
    }
    std::string token, way;
    if (found.size() == 1) {
      token = text(table[0]);
    } else {
      const std::string entry = local(expression(op.value));
      token = local(writing_.tables.name('P', table) + "[" + entry + "]", "std::int32_t");
      way = writing_.tables.name('W', ways) + "[" + entry + "]";
    }
    if (missing) check(token + " >= 0");
    keep(&block_.after->known.valid);
    line("++p;");
    line("NEXT(" + token + ");");
    if (found.size() == 1 && stops) return line("LEAVE(Left::kAfter);");
    if (stops)
      line("if (UNLIKELY(" + token + " == " + text(std::int64_t{writing_.stop}) + ")) LEAVE(Left::kAfter);");
    if (following.empty()) return line("LEAVE(Left::kAfter);");
    const bool all = std::find(ways.begin(), ways.end(), 0) == ways.end();
    if (following.size() == 1 && (all || way.empty()))
      return line("GO(" + text(std::size_t{following[0]}) + ");");
    line("switch (" + way + ") {");
    for (std::size_t i = 0; i < following.size(); ++i)
      line("  case " + text(i + 1) + ": GO(" + text(std::size_t{following[i]}) + ");");
    line("  default: LEAVE(Left::kAfter);");
    line("}");
  }

  // Reading: what follows depends on the token that is there.
  void end() {
    keep(&block_.after->known.valid);
    line("++p;");
    const std::vector<std::uint32_t>& classes = writing_.subject.division.token_class;
    std::string ways;
    for (std::size_t c = 0; c < block_.after->next[0].size(); ++c)
      if (const auto next = writing_.number(block_.after->next[0][c].load(std::memory_order_acquire)))
        ways += "  case " + text(c) + ": GO(" + text(std::size_t{*next}) + ");\n  ";
    if (!ways.empty()) {
      line("switch (" + writing_.tables.name('C', {classes.begin(), classes.end()}) + "[tokens[p]]) {");
      line(ways + "}");
    }
    line("LEAVE(Left::kAfter);");
  }

  const Writing& writing_;
  const Network& net_;
  const Block& block_;
  const Tape& tape_;
  const std::uint32_t number_;
  std::string body_;
  std::map<NodeId, std::string> names_, rows_;  // of values here
  std::set<NodeId> written_;
  std::map<std::uint32_t, kernel::Layout> layouts_;
  std::size_t locals_ = 0;
};

}  // namespace

bool is_for_kernels(const Block& block) {
  if (block.from->known.first) return false;
  const auto& ops = block.tape.ops;
  if (block.predict && block.targets.empty() &&
      (block.tape.entries == 0 || (block.tape.digits.empty() && block.tape.entries > 1)))
    return false;
  for (const Op& op : ops) {
    if (op.code == Code::kRecall || op.code == Code::kEnd) return true;
    if (op.code == Code::kHistory || op.code == Code::kHistoryAt || op.code == Code::kSum ||
        op.code == Code::kBatch)
      return false;
  }
  return !block.targets.empty();
}

std::string write_block(const Writing& writing, const Block& block, std::uint32_t number) {
  return Writer(writing, block, number).run();
}

std::string write_row(const Writing& writing, std::uint32_t store) {
  const Network& net = writing.subject.network;
  const kernel::Layout layout = layout_of(net, net.stores[store], writing.subject.uses.columns[store]);
  std::vector<std::pair<std::uint32_t, std::size_t>> order;
  for (std::size_t c = 0; c < layout.columns.size(); ++c)
    if (layout.columns[c].bytes > 0) order.emplace_back(layout.columns[c].offset, c);
  std::sort(order.begin(), order.end());
  const std::string name = "Row" + text(std::size_t{store});
  std::string out = "struct " + name + " {\n  std::int32_t now;\n";
  for (const auto& [offset, c] : order)
    out += "  std::uint" + text(std::size_t{8 * layout.columns[c].bytes}) + "_t c" + text(c) + ";\n";
  return out + "};\nstatic_assert(sizeof(" + name + ") == " + text(std::size_t{layout.row_bytes}) + ");\n";
}

}  // namespace tvm::plan
