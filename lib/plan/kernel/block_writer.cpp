#include "plan/kernel/block_writer.hpp"

#include <algorithm>

#include "plan/kernel/writer.hpp"

namespace tvm::plan {

std::string Writer::function(std::uint32_t first) {
  Scope scope;
  for (std::size_t i = 0; i < writing_.sums.size(); ++i) scope.names[writing_.sums[i]] = "sum" + text(i);
  block(first, scope);
  return "BLOCK(" + text(first) + ") {\n  if (UNLIKELY(p + " + text(longest_) + " > limit)) goto before_" +
         text(first) + ";\n" + body_ + "}\n\n";
}

void Writer::block(std::uint32_t number, Scope scope) {
  const Block& block = *writing_.blocks[number];
  const Scope before = scope;
  const auto outer = std::tuple(number_, tape_, scope_, written_);
  number_ = number, tape_ = &block.tape, scope_ = &scope, written_.clear();
  line("{ // " + text(number) + ": " + writing_.about(block));
  indent_ += "  ";
  for (const Op& op : tape_->ops) {
    if (op.code == Code::kRecall && !has_table(block)) continue;
    if (op.code == Code::kRecall) {
      recall(op);
      break;  // what comes behind it computes an entry
    }
    write(op);
  }
  indent_.resize(indent_.size() - 2);
  line("}");
  scope = before;
  line("AT(before_" + text(number) + ")");
  leave(number, "kBefore");
  std::tie(number_, tape_, scope_, written_) = outer;
}

std::string Writer::sums() const {
  std::string all;
  for (std::size_t i = 0; i < 2; ++i)
    all += ", " + (i < writing_.sums.size() ? scope_->names.at(writing_.sums[i]) : std::string("0"));
  return all;
}

void Writer::write_back() {
  for (const auto& [id, name] : scope_->changed)
    if (std::find(writing_.sums.begin(), writing_.sums.end(), id) == writing_.sums.end())
      line("R(" + text(id) + ") = " + name + ";");
}

void Writer::leave(std::uint32_t number, const char* how) {
  write_back();
  line("LEAVE(" + text(number) + ", Left::" + how + sums() + ");");
}

void Writer::go(std::uint32_t next) {
  if (!writing_.functions.is_first(next)) return block(next, *scope_);
  write_back();
  line("GO(" + text(next) + sums() + ");");
}

// To the blocks that follow, by a number: the way itself, or what Following::way counts.
void Writer::go_on(const std::string& chosen, bool is_way) {
  const Following& all = writing_.following.at(number_);
  if (all.blocks.empty()) return;
  line("switch (" + chosen + ") {");
  indent_ += "  ";
  for (std::uint32_t i = 1; i <= all.blocks.size(); ++i) {
    std::string cases = is_way ? "case " + text(i) + ":" : "";
    for (std::size_t w = 0; w < all.way.size() && !is_way; ++w)
      if (all.way[w] == i) cases += (cases.empty() ? "case " : " case ") + text(w) + ":";
    line(cases);
    indent_ += "  ";
    go(all.blocks[i - 1]);
    indent_.resize(indent_.size() - 2);
  }
  indent_.resize(indent_.size() - 2);
  line("}");
}

// What the block has computed of registers that are read later, and what is valid behind it.
void Writer::keep(const std::vector<bool>* valid) {
  const auto is_kept = [&](NodeId id) {
    return valid == nullptr || (*valid)[id] || net_.nodes[id].kind == Kind::kSum;
  };
  for (const NodeId id : written_) scope_->changed[id] = scope_->names.at(id);
  const auto is_over = [&](const auto& entry) { return !is_kept(entry.first); };
  std::erase_if(scope_->changed, is_over);
  std::erase_if(scope_->names, is_over);
  std::erase_if(scope_->rows, is_over);
}

// The position ends; the next one begins.
void Writer::step() {
  line("++p;");
  longest_ = std::max(longest_, ++scope_->steps);
}

// Modulo 2^64: what is below is far beyond.
std::string Writer::beyond_low(const std::string& at, const std::string& low) {
  return local("static_cast<std::uint64_t>(" + at + ") - static_cast<std::uint64_t>(" + low + ")",
               "std::uint64_t");
}
std::string Writer::case_of(const Selector& selector) {
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

void Writer::branch() {
  std::string sum;
  std::size_t radix = 1;
  std::uint32_t is_far = tape_->ops.back().part;
  for (const auto s : tape_->branches) {
    const Selector& selector = writing_.subject.division.selectors[s];
    sum += (sum.empty() ? "" : " + ") + (radix == 1 ? "" : text(radix) + " * ") +
           ("static_cast<std::uint64_t>(" + case_of(selector) + ")");
    if (is_far & 1) far(value(selector.at));
    is_far >>= 1;
    radix *= selector.values.size() + 1;
  }
  const std::string index = local(sum, "std::uint64_t");
  keep(nullptr);
  // As if the position ended here: no run that has no more room stops at its branch, in the middle of it.
  longest_ = std::max(longest_, scope_->steps + 1);
  go_on(index, false);
  leave(number_, "kAtBranch");
}

void Writer::recall(const Op& op) {
  const Following& all = writing_.following.at(number_);
  const auto has = [](const auto& list, auto value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  };
  std::string token = text(std::int64_t{all.tokens[0]}), entry;
  if (all.tokens.size() > 1) {
    entry = local(expression(op.value));
    token = local(writing_.tables.name('P', {all.tokens.begin(), all.tokens.end()}) + "[" + entry + "]",
                  "std::int32_t");
  }
  if (has(all.tokens, kMissing)) check(token + " >= 0");
  next(token, all.tokens.size() > 1 && has(all.tokens, writing_.stop));
  const std::vector<std::int64_t> ways(all.way.begin(), all.way.end());
  // What stops is told apart, what is missing has been.
  bool leaves = false;
  for (std::size_t i = 0; i < ways.size(); ++i)
    leaves |= ways[i] == 0 && all.tokens[i] != writing_.stop && all.tokens[i] != kMissing;
  if (all.blocks.size() == 1 && !leaves)
    go(all.blocks[0]);
  else if (!entry.empty())
    go_on(writing_.tables.name('W', ways) + "[" + entry + "]", true);
  line("AT(after_" + text(number_) + ")");
  leave(number_, "kAfter");
}

// Too many predictions for a table: the library has the output head.
void Writer::predict() {
  for (std::size_t f = 0; f < tape_->features.size(); ++f)
    line("FEATURE(" + text(f) + ") = " + expression(tape_->features[f]) + ";");
  const std::string token = local("s->predict(s)", "std::int32_t");
  check(token + " >= 0");
  next(token, true);
  go_on(class_of(token), false);
  line("AT(after_" + text(number_) + ")");
  leave(number_, "kAfter");
}

// The token is predicted; the next position begins.
void Writer::next(const std::string& token, bool may_stop) {
  keep(&writing_.blocks[number_]->after->known.valid);
  step();
  line("NEXT(" + token + ", " + text(number_) + ");");
  scope_->given[scope_->steps] = token;
  if (may_stop)
    line("if (UNLIKELY(" + token + " == " + text(std::int64_t{writing_.stop}) + ")) goto after_" +
         text(number_) + ";");
}

std::string Writer::class_of(const std::string& token) {
  const std::vector<std::uint32_t>& classes = writing_.subject.division.token_class;
  return writing_.tables.name('C', {classes.begin(), classes.end()}) + "[" + token + "]";
}

// Reading: what follows depends on the token that is there.
void Writer::end() {
  keep(&writing_.blocks[number_]->after->known.valid);
  step();
  go_on(class_of("tokens[p]"), false);
  leave(number_, "kAfter");
}

bool is_for_kernels(const Block& block) {
  if (block.from->known.first) return false;
  return std::none_of(block.tape.ops.begin(), block.tape.ops.end(), [](const Op& op) {
    return op.code == Code::kHistory || op.code == Code::kHistoryAt || op.code == Code::kSum;
  });
}

std::string write_function(const Writing& writing, std::uint32_t first) {
  return Writer(writing).function(first);
}

std::string write_row(const Subject& subject, std::uint32_t store) {
  const kernel::Layout& layout = subject.layouts[store];
  std::vector<std::pair<std::uint32_t, std::size_t>> order;
  for (std::size_t c = 0; c < layout.columns.size(); ++c)
    if (layout.columns[c].bytes > 0) order.emplace_back(layout.columns[c].offset, c);
  std::sort(order.begin(), order.end());
  const std::string name = "Row" + text(std::size_t{store});
  std::string out = "struct " + name + " {\n  std::uint32_t low;\n  std::int16_t high;\n";
  for (const auto& [offset, c] : order)
    out += "  std::uint" + text(std::size_t{8 * layout.columns[c].bytes}) + "_t c" + text(c) + ";\n";
  return out + "};\nstatic_assert(sizeof(" + name + ") == " + text(std::size_t{layout.row_bytes}) + ");\n";
}

}  // namespace tvm::plan
