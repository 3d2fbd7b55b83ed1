#include "plan/kernel/following.hpp"

#include <algorithm>

namespace tvm::plan {

bool has_table(const Block& block) {
  return block.tape.entries == 1 || (block.tape.entries > 1 && !block.tape.digits.empty());
}

Following following(const Subject& subject, const Block& block, const NumberOf& number, std::int32_t stop,
                    Predictions& predictions) {
  Following all;
  const auto add = [&](const Block* next) {
    const std::optional<std::uint32_t> is = number(next);
    const auto known = is ? std::find(all.blocks.begin(), all.blocks.end(), *is) : all.blocks.end();
    all.way.push_back(is ? static_cast<std::uint32_t>(known - all.blocks.begin()) + 1 : 0);
    if (is && known == all.blocks.end()) all.blocks.push_back(*is);
  };
  all.branches = block.after == nullptr;
  if (all.branches) {
    for (const Link& target : block.targets) add(target.load(std::memory_order_acquire));
  } else if (!has_table(block)) {
    for (const Link& next : block.after->next[block.predict]) add(next.load(std::memory_order_acquire));
  } else {
    all.tokens = predictions.table_of(block.tape);
    for (const std::int32_t token : all.tokens) {
      if (token < 0 || token == stop)
        add(nullptr);
      else
        add(block.after->next[1][subject.division.token_class[static_cast<std::size_t>(token)]].load(
            std::memory_order_acquire));
    }
  }
  return all;
}

}  // namespace tvm::plan
