#include "executor/vocabulary.hpp"

#include <string_view>
#include <unordered_map>

#include "base/error.hpp"

namespace tvm::executor {
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

  for (std::size_t b = 0; b < 256; ++b) {
    bytes[b] = id_of(kVocabulary[b]);
    bytes[b + 256] = id_of(kVocabulary[kMarkedBytes + b]);
    outputs[b] = id_of(kVocabulary[kOutputs + b]);
    meanings[static_cast<std::size_t>(bytes[b])] = {Kind::byte, static_cast<std::uint8_t>(b)};
  }
  for (const std::string_view alias : std::span(kVocabulary).subspan(kAliases))
    if (const auto found = ids.find(alias); found != ids.end())
      meanings[static_cast<std::size_t>(found->second)] = {Kind::alias, static_cast<std::uint8_t>(alias[0])};
  meanings[static_cast<std::size_t>(id_of(kOpen))] = {Kind::open, 0};
  meanings[static_cast<std::size_t>(id_of(kClose))] = {Kind::close, 0};
  for (std::size_t op = 0; op < kRows.size(); ++op) {
    meanings[static_cast<std::size_t>(id_of(kRows[op].name))] = {Kind::opcode, static_cast<std::uint8_t>(op)};
    completing[op] = id_of(kRows[op].completing);
  }
  branch_taken = id_of(kBranchTaken);
  not_taken = id_of(kNotTaken);
  end_of_input = id_of(kEndOfInput);
  halt = id_of(kHalt);
}

}  // namespace tvm::executor
