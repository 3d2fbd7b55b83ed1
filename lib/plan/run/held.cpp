// Which tokens of the past a run needs, and which it has (ir/token_bases.hpp).
#include <algorithm>

#include "base/error.hpp"
#include "plan/run/interpreter.hpp"
#include "plan/run/left_plan.hpp"

namespace tvm::plan {

std::vector<TokenRange> Interpreter::reachable(std::size_t prompt) const {
  const auto cut = [&](std::int64_t begin, std::int64_t end) {
    const auto last = static_cast<std::int64_t>(position_);
    return TokenRange{static_cast<std::size_t>(std::clamp<std::int64_t>(begin, 0, last)),
                      static_cast<std::size_t>(std::clamp<std::int64_t>(end, 0, last))};
  };
  const auto now = static_cast<std::int64_t>(position_);
  std::vector<TokenRange> all{cut(0, std::max(kFirst, static_cast<std::int64_t>(prompt))),
                              cut(now - kRecent, now)};
  for (std::size_t s = 0; s < stores_.size(); ++s)
    for (std::size_t c = 0; c < layouts_[s].columns.size(); ++c) {
      if (!subject_.bases.columns[s][c] || !layouts_[s].columns[c].is_read) continue;
      stores_[s]->for_each([&](std::int64_t, const unsigned char* row) {
        const std::int64_t base = layouts_[s].columns[c].read(row);
        all.push_back(cut(base - kBefore, base + kBehind + 1));
      });
    }
  std::sort(all.begin(), all.end(),
            [](const TokenRange& a, const TokenRange& b) { return a.begin < b.begin; });
  std::vector<TokenRange> joined{all.front()};
  for (const TokenRange& one : all)
    if (one.begin > joined.back().end)
      joined.push_back(one);
    else
      joined.back().end = std::max(joined.back().end, one.end);
  return joined;
}

void Interpreter::hold(std::vector<TokenRange> held) {
  held_ranges_ = std::move(held);
  held_ranges_.back().end = SIZE_MAX;  // what comes now
  state_.held = held_ranges_.front().end;
  state_.again = held_ranges_.back().begin;
}

void Interpreter::require_held(std::int64_t at) const {
  const auto position = static_cast<std::size_t>(at);
  const auto behind =
      std::upper_bound(held_ranges_.begin(), held_ranges_.end(), position,
                       [](std::size_t p, const TokenRange& range) { return p < range.begin; });
  if (position < std::prev(behind)->end) return;
  throw NotHeld(sentence("position ", position_, ": token ", at, " is asked for, which is no longer held"));
}

}  // namespace tvm::plan
