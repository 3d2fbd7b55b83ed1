// The writer of one function. What it says of operators is in write_operators.cpp, how blocks follow each
// other in block_writer.cpp.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "plan/kernel/block_writer.hpp"
#include "plan/kernel/scope.hpp"

namespace tvm::plan {

inline std::string text(std::int64_t value) {
  if (value == INT64_MIN) return "INT64_MIN";
  return std::to_string(value) + (value > INT32_MAX || value < INT32_MIN ? "LL" : "");
}
inline std::string text(std::size_t value) { return std::to_string(value); }
inline std::string text(std::uint32_t value) { return std::to_string(value); }

class Writer {
 public:
  explicit Writer(const Writing& writing) : writing_(writing), net_(writing.subject.network) {}

  std::string function(std::uint32_t first);

 private:
  // The block with what follows it. What it changes in the scope ends with it.
  void block(std::uint32_t number, Scope scope);
  void go(std::uint32_t next);
  void go_on(const std::string& chosen, bool is_way);
  void write_back();
  void step();
  void leave(std::uint32_t number, const char* how);
  std::string sums() const;
  void keep(const std::vector<bool>* valid);
  std::string case_of(const Selector& selector);
  std::string beyond_low(const std::string& at, const std::string& low);
  void branch();
  void recall(const Op& op);
  void predict();
  void next(const std::string& token, bool may_stop);
  std::string class_of(const std::string& token);
  void end();

  void write(const Op& op);
  void check_sum(const Linear& linear);
  std::string index(const Op& op);
  void token_sum(const Op& op);
  std::string token(std::int64_t back);
  void add_to_sum(const Op& op);
  // What is not held is for the interpreter to say.
  void far(const std::string& at) { far(at, at); }
  void far(const std::string& first, const std::string& last) {
    const auto unsigned_of = [](const std::string& at) { return "static_cast<std::uint64_t>(" + at + ")"; };
    check(unsigned_of(last) + " < s->held || " + unsigned_of(first) + " >= s->again");
  }
  void lookup(const Op& op);
  std::string row_at(const Op& op);
  void match(const Op& op);
  void batch(const Batch& batch);
  void step_function(const Op& op, const std::string& gate);
  void product(const Op& op, const std::string& gate_sum);
  void function(const Op& op);
  void insert(const Insert& how, std::uint32_t store);
  std::string wide(const Linear& linear);
  void check_square(const Insert& how, const std::string& key, const std::string& unless);

  void line(const std::string& statement) { body_ += indent_ + statement + "\n"; }
  void check(const std::string& condition) { line("CHECK(" + condition + ", " + text(number_) + ");"); }
  std::string value(NodeId id);
  void define(NodeId id, const std::string& expression);
  std::string fresh(const std::string& name);
  std::string local(const std::string& expression, const char* type = "std::int64_t");
  std::vector<Term> terms(const Linear& linear) const;
  std::string term(std::int64_t weight, NodeId id);
  std::string sum(const std::vector<Term>& terms, std::int64_t constant);
  std::string expression(const Linear& linear) { return sum(terms(linear), linear.constant); }
  std::string bracketed(const Linear& linear) { return "(" + expression(linear) + ")"; }
  bool is_within(const Linear& linear, const std::string& base);
  std::string token_table(const std::int64_t* tokens);
  const kernel::Column& column(std::uint32_t store, std::size_t part);
  std::string column_of(const std::string& row, const Op& op);
  Interval interval(const Linear& linear) const;

  const Writing& writing_;
  const Network& net_;
  std::string body_, indent_ = "  ";
  std::int64_t longest_ = 1;                 // positions from the begin of the function to its end
  std::map<std::string, std::size_t> used_;  // names of local variables
  std::size_t locals_ = 0;
  // Of the block that is being written.
  std::uint32_t number_ = 0;
  const Tape* tape_ = nullptr;
  Scope* scope_ = nullptr;
  std::set<NodeId> written_;
};

}  // namespace tvm::plan
