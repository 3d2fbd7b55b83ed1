// Fuzz target: a token program. The executor (tvm_trace) runs it or says what is wrong with it; a shorter
// limit gives the same tokens, only fewer.
//
// The first byte chooses the machine and how the rest is read: as instructions (an opcode, four bytes), with
// or without bytes that are input, data and table at once, so that most programs run, or as any tokens at
// all.
#include <algorithm>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "executor/executor.hpp"
#include "target.hpp"
#include "words.hpp"

namespace {

using Tokens = std::vector<std::int32_t>;
constexpr std::uint64_t kLimit = 600;

const Words words;

std::int32_t byte_token(std::uint8_t byte) { return byte; }  // the vocabulary begins with the bytes

bool of_base(std::uint8_t mode) { return mode >= 128; }

Tokens decoded(const std::uint8_t* data, std::size_t size) {
  Tokens tokens;
  if (size == 0) return tokens;
  const std::uint8_t mode = data[0];
  if (mode % 4 == 3) {
    for (std::size_t i = 1; i + 1 < size; i += 2)
      tokens.push_back((data[i] * 256 + data[i + 1]) % static_cast<std::int32_t>(words.spellings.size()));
    return tokens;
  }
  constexpr std::size_t kOps = std::size(tvm::executor::kRows);
  const std::size_t input = mode % 4 == 2 ? std::min<std::size_t>(mode % 128 / 4, size - 1) : 0;
  const auto row = [&](std::string_view name, const std::uint8_t* immediate) {
    tokens.push_back(words.ids.at(std::string(name)));
    for (int k = 0; k < 4; ++k) tokens.push_back(byte_token(immediate[k]));
  };
  constexpr std::uint8_t kZero[4] = {};
  std::vector<std::string_view> given;
  if (input > 0) given.push_back("input_base");
  if (input > 0 && !of_base(mode)) given.insert(given.end(), {"elements", "data"});
  tokens.push_back(words.ids.at("{"));
  for (const auto name : given) row(name, kZero);
  for (std::size_t i = 1; i + 4 < size - input; i += 5) {
    const auto& instruction = tvm::executor::kRows[data[i] % kOps];
    row(instruction.name, data + i + 1);
    if (instruction.completion == tvm::executor::Completion::skip) row("i64.high", data + i + 1);
  }
  tokens.push_back(words.ids.at("}"));
  for (std::size_t i = 0; i < given.size(); ++i) {
    for (std::size_t k = size - input; k < size; ++k) tokens.push_back(byte_token(data[k]));
    tokens.push_back(byte_token(0));
    tokens.push_back(words.ids.at("commit(+0,sts=0,bt=0)"));
  }
  return tokens;
}

struct Run {
  bool failed = false;
  Tokens tokens;
};

// tvm_trace without reading the vocabulary each time, which would take most of it.
Run trace(bool base, const Tokens& prompt, std::uint64_t limit) {
  static const tvm::executor::Vocabulary standard(words.pointers);
  static const tvm::executor::Vocabulary first(
      std::span(words.pointers).subspan(0, tvm::executor::kBaseTokens));
  const tvm::executor::Vocabulary& vocabulary = base ? first : standard;
  Run run;
  tvm::HandOver out(limit, [&](std::span<const std::int32_t> tokens) {
    run.tokens.insert(run.tokens.end(), tokens.begin(), tokens.end());
    return true;
  });
  try {
    tvm::executor::execute(tvm::executor::decode(vocabulary, prompt), vocabulary, out);
  } catch (const tvm::Error& error) {
    run.failed = true;
    REQUIRE(error.status() == tvm::Status::kProgram || error.status() == tvm::Status::kLimit);
  }
  REQUIRE(out.given() == run.tokens.size());
  REQUIRE(run.tokens.size() <= limit);
  return run;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Tokens prompt = decoded(data, size);
  if (prompt.empty()) return 0;
  const bool base = of_base(data[0]);
  const Run whole = trace(base, prompt, kLimit);
  const std::size_t tokens = base ? tvm::executor::kBaseTokens : words.spellings.size();
  for (const auto token : whole.tokens) REQUIRE(token >= 0 && token < static_cast<std::int32_t>(tokens));
  if (whole.tokens.size() < 2) return 0;
  const Run half = trace(base, prompt, whole.tokens.size() / 2);
  REQUIRE(!half.failed && half.tokens.size() == whole.tokens.size() / 2);
  REQUIRE(std::equal(half.tokens.begin(), half.tokens.end(), whole.tokens.begin()));
  return 0;
}
