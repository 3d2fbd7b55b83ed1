#include "plan/kernel/tables.hpp"

#include <algorithm>

namespace tvm::plan {
namespace {

std::string type_for(const std::vector<std::int64_t>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  for (const int bits : {8, 16, 32}) {
    const std::int64_t half = std::int64_t{1} << (bits - 1);
    if (*low >= 0 && *high < 2 * half) return "std::uint" + std::to_string(bits) + "_t";
    if (*low >= -half && *high < half) return "std::int" + std::to_string(bits) + "_t";
  }
  return "std::int64_t";
}

}  // namespace

std::string Tables::name(char kind, const std::vector<std::int64_t>& values) {
  const auto [entry, fresh] = names_.try_emplace(values);
  if (!fresh) return entry->second;
  entry->second = kind + std::to_string(names_.size() - 1);
  const std::string head =
      "const " + type_for(values) + " " + entry->second + "[" + std::to_string(values.size()) + "]";
  declarations_ += "extern HIDDEN " + head + ";\n";
  definitions_ += head + " = {";
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool least = values[i] == INT64_MIN;  // which has no spelling
    definitions_ +=
        (i == 0        ? ""
         : i % 32 == 0 ? ",\n  "
                       : ",") +
        (least ? "INT64_MIN"
               : std::to_string(values[i]) + (type_for({values[i]}) == "std::int64_t" ? "LL" : ""));
  }
  definitions_ += "};\n";
  return entry->second;
}

}  // namespace tvm::plan
