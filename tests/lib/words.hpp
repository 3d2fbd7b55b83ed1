// The standard vocabulary, and text to ids and back, for the C++ tests.
#pragma once

#include <cstdint>
#include <cstdio>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#include "trace/opcodes.hpp"

struct Words {
  Words() {
    const auto add = [&](const std::string& word) {
      ids.emplace(word, static_cast<std::int32_t>(spellings.size()));
      spellings.push_back(word);
    };
    char hex[8];
    for (int mark = 0; mark < 2; ++mark)
      for (int b = 0; b < 256; ++b) {
        std::snprintf(hex, sizeof hex, "%02x%s", b, mark ? "'" : "");
        add(hex);
      }
    for (int b = 0; b < 256; ++b) {
      std::snprintf(hex, sizeof hex, "%02x", b);
      add("out(" + (b > 0x20 && b < 0x7F ? std::string(1, static_cast<char>(b)) : hex) + ")");
    }
    for (const char* c : {"-2,sts=0", "-2,sts=1", "-1,sts=0", "-1,sts=1", "+0,sts=0", "+0,sts=1", "+1,sts=1"})
      for (int bt = 0; bt < 2; ++bt) add(std::string("commit(") + c + ",bt=" + (bt ? "1)" : "0)"));
    for (const char* word : {"branch_taken", "call_commit", "return_commit", "{", "}"}) add(word);
    for (const auto name : tvm::trace::kOpNames) add(std::string(name));
    for (char c = 0x21; c < 0x7F; ++c)
      if (c != '{' && c != '}') add(std::string(1, c));
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
