#include "executor/vocabulary.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "base/error.hpp"

namespace tvm::executor {
namespace {

// The traps that an instruction can end in, but for that of the row `trap`.
std::vector<Trap> traps_of(const Row& row) {
  const bool memory = row.cell == Cell::address && row.access_bytes > 0;
  if (memory || row.source == Source::size || row.completion == Completion::resize)
    return {Trap::out_of_bounds};
  if (row.source == Source::element)
    return {Trap::undefined_element, Trap::uninitialized_element, Trap::type_mismatch};
  if (row.operation == Operation::div_s) return {Trap::divide_by_zero, Trap::integer_overflow};
  if (row.source == Source::divide || row.source == Source::remain) return {Trap::divide_by_zero};
  return {};
}

// The tokens that an instruction may emit. Of the row `trap` it is the immediate that says which.
std::vector<std::string_view> tokens_of(const Row& row) {
  std::vector<std::string_view> tokens;
  const auto add = [&](std::size_t first, std::size_t count) {
    tokens.insert(tokens.end(), kVocabulary.begin() + first, kVocabulary.begin() + first + count);
  };
  if (row.completion == Completion::err)
    add(kErrors, 256);
  else if (row.completion != Completion::trap)
    tokens.push_back(row.completing);
  const bool divides = row.source == Source::divide || row.source == Source::remain;
  if (row.scratch > 0) add(kScratch, divides ? 256 : kScratchNumbers);
  for (const Trap kind : traps_of(row))
    tokens.push_back(std::ranges::find(kTraps, kind, &TrapToken::kind)->spelling);
  return tokens;
}

}  // namespace

Vocabulary::Vocabulary(std::span<const char* const> given) {
  std::unordered_map<std::string_view, std::int32_t> ids;
  meanings.resize(given.size());
  spellings.reserve(given.size());
  for (std::size_t id = 0; id < given.size(); ++id) {
    if (given[id] == nullptr) throw Error(Status::kArgument, sentence("vocabulary entry ", id, " is NULL"));
    spellings.emplace_back(given[id]);
  }
  for (std::size_t id = 0; id < given.size(); ++id) {
    if (!ids.emplace(spellings[id], static_cast<std::int32_t>(id)).second)
      throw Error(Status::kArgument,
                  sentence("the vocabulary has '", spellings[id], "' twice, the second time as id ", id));
  }
  const auto id_of = [&](std::string_view spelling) {
    const auto found = ids.find(spelling);
    if (found == ids.end())
      throw Error(Status::kProgram, sentence("the vocabulary has no token '", std::string(spelling),
                                             "', which traces of token programs need"));
    return found->second;
  };

  const auto id_or_none = [&](std::string_view spelling) {
    const auto found = ids.find(spelling);
    return found == ids.end() ? -1 : found->second;
  };

  for (std::size_t b = 0; b < 256; ++b) {
    bytes[b] = id_of(kVocabulary[b]);
    bytes[b + 256] = id_of(kVocabulary[kMarkedBytes + b]);
    outputs[b] = id_of(kVocabulary[kOutputs + b]);
    errors[b] = id_or_none(kVocabulary[kErrors + b]);
    meanings[static_cast<std::size_t>(bytes[b])] = {Kind::byte, static_cast<std::uint8_t>(b)};
  }
  for (const std::string_view alias : std::span(kVocabulary).subspan(kAliases, kBaseTokens - kAliases))
    if (const auto found = ids.find(alias); found != ids.end())
      meanings[static_cast<std::size_t>(found->second)] = {Kind::alias, static_cast<std::uint8_t>(alias[0])};
  for (std::size_t number = 0; number < kScratchNumbers; ++number)
    scratch[number] = id_or_none(kVocabulary[kScratch + number]);
  traps.fill(-1);
  for (const auto& [kind, spelling] : kTraps) traps[static_cast<std::size_t>(kind)] = id_or_none(spelling);
  checks_memory = traps[static_cast<std::size_t>(Trap::out_of_bounds)] >= 0;
  meanings[static_cast<std::size_t>(id_of(kOpen))] = {Kind::open, 0};
  meanings[static_cast<std::size_t>(id_of(kClose))] = {Kind::close, 0};
  for (std::size_t op = 0; op < kRows.size(); ++op) {
    const Row& row = kRows[op];
    const std::int32_t id = row.base ? id_of(row.name) : id_or_none(row.name);
    if (id >= 0) meanings[static_cast<std::size_t>(id)] = {Kind::opcode, static_cast<std::uint8_t>(op)};
    completing[op] = row.base ? id_of(row.completing) : id_or_none(row.completing);
    if (id >= 0 && !row.base)
      for (const std::string_view token : tokens_of(row))
        if (!ids.contains(token)) lacking[op] = token;
  }
  branch_taken = id_of(kBranchTaken);
  not_taken = id_of(kNotTaken);
  end_of_input = id_of(kEndOfInput);
  halt = id_of(kHalt);
}

}  // namespace tvm::executor
