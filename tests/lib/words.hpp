// The standard vocabulary, and text to ids and back, for the C++ tests.
#pragma once

#include <cstdint>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#include "executor/isa.hpp"

struct Words {
  Words() {
    for (const auto word : tvm::executor::kVocabulary) {
      ids.emplace(word, static_cast<std::int32_t>(spellings.size()));
      spellings.emplace_back(word);
    }
    for (const auto& s : spellings) pointers.push_back(s.c_str());
  }

  std::vector<std::int32_t> encode(const std::string& text) const {
    std::istringstream stream(text);
    std::vector<std::int32_t> out;
    for (std::string word; stream >> word;) out.push_back(ids.at(word));
    return out;
  }
  std::string decode(const std::vector<std::int32_t>& tokens) const {
    std::string text;
    for (const auto id : tokens) {
      if (!text.empty()) text += ' ';
      text += spellings[id];
    }
    return text;
  }

  std::vector<std::string> spellings;
  std::vector<const char*> pointers;
  std::unordered_map<std::string, std::int32_t> ids;
};
