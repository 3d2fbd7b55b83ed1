#include "executor/vocabulary.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

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

// A token's position in the standard vocabulary, whose size stands for others.
std::size_t position_of(std::string_view spelling) {
  static const auto positions = [] {
    std::unordered_map<std::string_view, std::size_t> all;
    for (const std::string_view each : kVocabulary) all.emplace(each, all.size());
    return all;
  }();
  const auto found = positions.find(spelling);
  return found == positions.end() ? kVocabulary.size() : found->second;
}

// Digits of a division are below it.
constexpr std::size_t kDigits = 257;

// Positions of the tokens that an instruction may emit. Of the row `trap` it is the immediate that says
// which.
std::vector<std::size_t> tokens_of(const Row& row) {
  std::vector<std::size_t> tokens;
  const auto add = [&](std::size_t first, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) tokens.push_back(first + i);
  };
  if (row.completion == Completion::err)
    add(kErrors, 256);
  else if (row.completion != Completion::trap)
    add(position_of(row.completing), 1);
  const bool divides = row.source == Source::divide || row.source == Source::remain;
  if (row.scratch > 0) add(kScratch, divides ? kDigits : kScratchNumbers);
  for (const Trap kind : traps_of(row))
    add(position_of(std::ranges::find(kTraps, kind, &TrapToken::kind)->spelling), 1);
  return tokens;
}

// The ids of the standard vocabulary's tokens, -1 for those that are lacking.
std::vector<std::int32_t> ids_of(const std::vector<std::string>& spellings) {
  std::vector<std::int32_t> ids(kVocabulary.size(), -1);
  std::unordered_set<std::string_view> others;
  for (std::size_t id = 0; id < spellings.size(); ++id) {
    const std::string_view spelling = spellings[id];
    const bool in_place = id < kVocabulary.size() && spelling == kVocabulary[id];
    const std::size_t position = in_place ? id : position_of(spelling);
    const bool known = position < kVocabulary.size();
    if (known ? ids[position] >= 0 : !others.insert(spelling).second)
      throw Error(Status::kArgument,
                  sentence("the vocabulary has '", spellings[id], "' twice, the second time as id ", id));
    if (known) ids[position] = static_cast<std::int32_t>(id);
  }
  return ids;
}

}  // namespace

Vocabulary::Vocabulary(std::span<const char* const> given) {
  meanings.resize(given.size());
  spellings.reserve(given.size());
  for (std::size_t id = 0; id < given.size(); ++id) {
    if (given[id] == nullptr) throw Error(Status::kArgument, sentence("vocabulary entry ", id, " is NULL"));
    spellings.emplace_back(given[id]);
  }
  const std::vector<std::int32_t> ids = ids_of(spellings);
  const auto id_at = [&](std::size_t position) {
    if (ids[position] < 0)
      throw Error(Status::kProgram,
                  sentence("the vocabulary has no token '", std::string(kVocabulary[position]),
                           "', which traces of token programs need"));
    return ids[position];
  };
  const auto id_of = [&](std::string_view spelling) { return id_at(position_of(spelling)); };
  const auto mean = [&](std::int32_t id, Kind kind, std::size_t value) {
    if (id >= 0) meanings[static_cast<std::size_t>(id)] = {kind, static_cast<std::uint8_t>(value)};
  };

  for (std::size_t b = 0; b < 256; ++b) {
    bytes[b] = id_at(b);
    bytes[b + 256] = id_at(kMarkedBytes + b);
    outputs[b] = id_at(kOutputs + b);
    errors[b] = ids[kErrors + b];
    mean(bytes[b], Kind::byte, b);
  }
  for (std::size_t i = kAliases; i < kBaseTokens; ++i)
    mean(ids[i], Kind::alias, static_cast<std::uint8_t>(kVocabulary[i][0]));
  std::copy_n(ids.begin() + kScratch, kScratchNumbers, scratch.begin());
  traps.fill(-1);
  for (const auto& [kind, spelling] : kTraps)
    traps[static_cast<std::size_t>(kind)] = ids[position_of(spelling)];
  checks_memory = traps[static_cast<std::size_t>(Trap::out_of_bounds)] >= 0;
  mean(id_of(kOpen), Kind::open, 0);
  mean(id_of(kClose), Kind::close, 0);
  for (std::size_t op = 0; op < kRows.size(); ++op) {
    const Row& row = kRows[op];
    const std::int32_t id = row.base ? id_of(row.name) : ids[position_of(row.name)];
    mean(id, Kind::opcode, op);
    completing[op] = row.base ? id_of(row.completing) : ids[position_of(row.completing)];
    if (id < 0 || row.base) continue;
    for (const std::size_t token : tokens_of(row))
      if (ids[token] < 0) lacking[op] = kVocabulary[token];
  }
  branch_taken = id_of(kBranchTaken);
  not_taken = id_of(kNotTaken);
  end_of_input = id_of(kEndOfInput);
  halt = id_of(kHalt);
}

}  // namespace tvm::executor
