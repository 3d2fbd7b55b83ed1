#include "trace/vocabulary.hpp"

#include <string_view>
#include <unordered_map>

#include "api/error.hpp"

namespace tvm::trace {
namespace {

constexpr char kHex[] = "0123456789abcdef";

std::string hex(unsigned byte) { return {kHex[byte >> 4], kHex[byte & 15]}; }

}  // namespace

Vocabulary::Vocabulary(std::span<const char* const> given) {
  std::unordered_map<std::string_view, std::int32_t> ids;
  meanings.resize(given.size());
  spellings.reserve(given.size());
  for (std::size_t id = 0; id < given.size(); ++id) {
    if (given[id] == nullptr) throw Error(TVM_ERROR_ARGUMENT, sentence("vocabulary entry ", id, " is NULL"));
    spellings.emplace_back(given[id]);
  }
  for (std::size_t id = 0; id < given.size(); ++id) {
    if (!ids.emplace(spellings[id], static_cast<std::int32_t>(id)).second)
      throw Error(TVM_ERROR_ARGUMENT,
                  sentence("the vocabulary has '", spellings[id], "' twice, the second time as id ", id));
  }
  const auto id_of = [&](const std::string& spelling) {
    const auto found = ids.find(spelling);
    if (found == ids.end())
      throw Error(TVM_ERROR_PROGRAM, sentence("the vocabulary has no token '", spelling,
                                              "', which traces of token programs need"));
    return found->second;
  };

  for (unsigned b = 0; b < 256; ++b) {
    const bool printable = b > 0x20 && b < 0x7F;
    const std::string character(1, static_cast<char>(b));
    bytes[b] = id_of(hex(b));
    bytes[b + 256] = id_of(hex(b) + "'");
    outputs[b] = id_of("out(" + (printable ? character : hex(b)) + ")");
    meanings[bytes[b]] = {Kind::byte, static_cast<std::uint8_t>(b)};
    // A printable character is an alias of its byte; the braces delimit the program.
    if (const auto alias = ids.find(character); printable && alias != ids.end())
      meanings[alias->second] = {Kind::byte, static_cast<std::uint8_t>(b)};
  }
  meanings[id_of("{")] = {Kind::open, 0};
  meanings[id_of("}")] = {Kind::close, 0};
  for (std::size_t op = 0; op < kOpNames.size(); ++op)
    meanings[id_of(std::string(kOpNames[op]))] = {Kind::opcode, static_cast<std::uint8_t>(op)};

  commit = {.push = id_of("commit(+1,sts=1,bt=0)"),
            .pop = id_of("commit(-1,sts=0,bt=0)"),
            .replace = id_of("commit(+0,sts=1,bt=0)"),
            .pop_replace = id_of("commit(-1,sts=1,bt=0)"),
            .pop2 = id_of("commit(-2,sts=0,bt=0)"),
            .pop2_replace = id_of("commit(-2,sts=1,bt=0)"),
            .neutral = id_of("commit(+0,sts=0,bt=0)"),
            .neutral_branch = id_of("commit(+0,sts=0,bt=1)"),
            .pop_branch = id_of("commit(-1,sts=0,bt=1)")};
  branch_taken = id_of("branch_taken");
  call_commit = id_of("call_commit");
  return_commit = id_of("return_commit");
  halt = id_of("halt");
}

}  // namespace tvm::trace
