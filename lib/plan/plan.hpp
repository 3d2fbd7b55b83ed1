// The plan: the network compiled when the model is loaded, and runs of it.
//
// Enters: a model.  Leaves: a `Plan` (immutable, shared by threads) or the reason why there is none;
// a `Sequence` runs it over one sequence of tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/model.hpp"
#include "plan/network.hpp"
#include "plan/output.hpp"
#include "plan/specialize.hpp"
#include "plan/store.hpp"
#include "plan/tape.hpp"

namespace tvm::plan {

struct Plan {
  Network network;
  std::vector<bool> live;
  Split split;
};

// Null with the reason in `why_not` when the model has no structure that can be kept exact.
std::unique_ptr<const Plan> build_plan(const Model& model, std::string& why_not);

// One sequence. Not for several threads at once.
class Sequence {
 public:
  explicit Sequence(const Plan& plan);

  // Reads the next token. Throws Error: TVM_ERROR_LIMIT rather than computing beyond what is exact,
  // TVM_ERROR_UNSUPPORTED where a pattern that the plan relies on does not hold.
  void read(std::int32_t token) { advance(token, false); }

  // Reads the next token and returns the prediction of the one after it.
  std::int32_t predict(std::int32_t token) {
    advance(token, true);
    return next_;
  }

 private:
  using Registers = std::vector<std::int64_t>;

  void advance(std::int32_t token, bool predict);
  const Tape& first_tape(std::uint32_t token_class);
  const Tape& second_tape(std::uint32_t token_class);
  void run(const Tape& tape);
  std::int64_t value(const Tape& tape, const Linear& linear) const;
  std::int64_t checked(const Tape& tape, const Linear& linear) const;
  Wide wide(const Tape& tape, const Linear& linear) const;
  void insert(const Tape& tape, const Op& op);
  void sum(const Tape& tape, const Op& op);
  [[noreturn]] void beyond(const char* what) const;    // TVM_ERROR_LIMIT
  [[noreturn]] void off_plan(const char* what) const;  // TVM_ERROR_UNSUPPORTED

  struct Sum {
    std::int64_t total = 0, count = 0, key = 0;
  };
  struct Records {
    KeyStore keys;
    std::size_t width = 0;
    std::vector<std::int64_t> values;  // (records, width)
  };

  const Plan& plan_;
  Output output_;
  std::vector<std::int32_t> tokens_;
  Registers registers_;
  std::vector<Sum> sums_;  // per node
  std::vector<Records> stores_;
  std::vector<std::vector<std::int64_t>> histories_;
  std::vector<std::unique_ptr<Tape>> first_;  // per token class
  struct Entry {
    std::vector<std::int64_t> key;
    std::unique_ptr<Tape> tape;
  };
  std::vector<std::vector<Entry>> second_;  // by hash of class and split values
  std::vector<std::int64_t> key_, features_;
  std::size_t tapes_ = 0;
  std::int32_t next_ = -1;
};

}  // namespace tvm::plan
