// The constant tables of a kernel: each once, of the narrowest type that holds it.
//
// Enters: numbers.  Leaves: the name of a table, and the source that declares and defines all of them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tvm::plan {

class Tables {
 public:
  // `kind`: a letter that the name begins with.
  std::string name(char kind, const std::vector<std::int64_t>& values);

  std::string declarations() const { return declarations_; }
  std::string definitions() const { return definitions_; }

 private:
  std::map<std::vector<std::int64_t>, std::string> names_;
  std::string declarations_, definitions_;
};

}  // namespace tvm::plan
