// Names, expressions and tables of a function of a kernel.
//
// Enters: registers, as tapes have them.  Leaves: text.
#include "plan/kernel/writer.hpp"

namespace tvm::plan {

// A register's value here.
std::string Writer::value(NodeId id) {
  if (id == kOneNode) return "1";
  if (id == kPositionNode) return "p";
  if (const auto found = scope_->names.find(id); found != scope_->names.end()) return found->second;
  const std::string name = fresh("n" + text(id));
  line("const std::int64_t " + name + " = R(" + text(id) + ");");
  return scope_->names[id] = name;
}

void Writer::define(NodeId id, const std::string& expression) {
  const std::string name = fresh("n" + text(id));
  line("const std::int64_t " + name + " = " + expression + ";");
  scope_->names[id] = name;
  scope_->rows.erase(id);
  written_.insert(id);
}

// Within the function.
std::string Writer::fresh(const std::string& name) {
  const std::size_t count = used_[name]++;
  return count == 0 ? name : name + "_" + text(count);
}

std::string Writer::local(const std::string& expression, const char* type) {
  const std::string name = "v" + text(locals_++);
  line("const " + std::string(type) + " " + name + " = " + expression + ";");
  return name;
}

std::string Writer::term(std::int64_t weight, NodeId id) {
  const std::string name = value(id);
  return weight == 1 ? name : text(weight) + " * " + name;
}
std::vector<Term> Writer::terms(const Linear& linear) const {
  std::vector<Term> all;
  if (linear.weight != 0) all.push_back({linear.node, linear.weight});
  for (std::uint32_t i = 0; i < linear.more; ++i) all.push_back(tape_->terms[linear.first + i]);
  return all;
}
std::string Writer::sum(const std::vector<Term>& terms, std::int64_t constant) {
  std::string sum;
  for (const Term& one : terms) {
    const std::string part = term(one.weight, one.node);
    sum += sum.empty() ? part : part[0] == '-' ? " - " + part.substr(1) : " + " + part;
  }
  if (sum.empty()) return text(constant);
  if (constant == 0) return sum;
  if (constant == INT64_MIN) return sum + " + INT64_MIN";
  return sum + (constant < 0 ? " - " + text(-constant) : " + " + text(constant));
}

std::string Writer::token_table(const std::int64_t* tokens) {
  return writing_.tables.name('T', {tokens, tokens + net_.bias.size()});
}
const kernel::Column& Writer::column(std::uint32_t store, std::size_t part) {
  return writing_.subject.layouts[store].columns[part];
}
std::string Writer::column_of(const std::string& row, const Op& op) {
  const kernel::Column& kept = column(op.table, op.part);
  std::string value = kept.from_now ? "now_in(*" + row + ")" : "";
  if (kept.bytes > 0)
    value +=
        (kept.from_now ? " + " : "") + ("static_cast<std::int64_t>(" + row + "->c" + text(op.part) + ")");
  if (value.empty()) return text(kept.low);
  return kept.low == 0 ? value : value + (kept.low < 0 ? " - " + text(-kept.low) : " + " + text(kept.low));
}

}  // namespace tvm::plan
