// Fuzz target: a trace of a small machine, changed somewhere. The plan and the layers, as written and with
// all shortcuts, say the same of it.
//
// Bytes: the machine and the layers' options, how many tokens the prompt has, the prompt, and then edits: a
// place, a token, ...
#include <algorithm>
#include <memory>
#include <vector>

#include "small_machines.hpp"
#include "target.hpp"

namespace {

constexpr std::uint64_t kGenerated = 20;

struct Verdict {
  tvm_status status;
  tvm_verify_result result;
  Tokens predicted;
};

Verdict verify(const tvm_model* model, const Tokens& tokens, std::size_t first, const tvm_options& how,
               bool all) {
  Verdict verdict{};
  verdict.result.size = sizeof verdict.result;
  if (all) verdict.predicted.assign(tokens.size() - first, -7);
  verdict.status = tvm_verify(model, tokens.data(), tokens.size(), first, tokens.size(),
                              all ? verdict.predicted.data() : nullptr, &how, &verdict.result);
  REQUIRE(verdict.status == TVM_OK || verdict.status == TVM_ERROR_LIMIT ||
          (verdict.status == TVM_ERROR_UNSUPPORTED && how.path == TVM_PATH_PLAN));
  return verdict;
}

void same(const Verdict& a, const Verdict& b) {
  if (a.status != TVM_OK || b.status != TVM_OK) return;
  REQUIRE(a.predicted == b.predicted && a.result.ok == b.result.ok && a.result.checked == b.result.checked);
  REQUIRE(a.result.first_mismatch == b.result.first_mismatch && a.result.expected == b.result.expected &&
          a.result.predicted == b.result.predicted);
}

Tokens generate(const tvm_model* model, const Tokens& prompt) {
  Tokens tokens = prompt;
  tvm_run_result result{};
  result.size = sizeof result;
  const auto take = [](void* user, const std::int32_t* more, std::size_t count) -> std::int32_t {
    auto& all = *static_cast<Tokens*>(user);
    all.insert(all.end(), more, more + count);
    return 0;
  };
  const tvm_status status =
      tvm_generate(model, prompt.data(), prompt.size(), kGenerated, take, &tokens, nullptr, &result);
  REQUIRE(status == TVM_OK || status == TVM_ERROR_LIMIT);
  return tokens;
}

const std::vector<ModelBytes>& machines() {
  static const auto all = small_machines();
  return all;
}

const tvm_model* model_of(std::size_t index) {
  static const auto all = [] {
    std::vector<std::unique_ptr<Opened>> opened;
    for (const auto& machine : machines()) {
      opened.push_back(std::make_unique<Opened>(machine));
      REQUIRE(*tvm_model_why_no_plan(opened.back()->get()) == '\0');
    }
    return opened;
  }();
  return all[index]->get();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::size_t which = data[0] % machines().size();
  const tvm_model* model = model_of(which);
  const auto token = [&](std::uint8_t byte) { return byte % machines()[which].v; };
  const std::size_t length = std::min<std::size_t>(1 + data[1] % 16, size - 2);
  Tokens prompt(length);
  std::transform(data + 2, data + 2 + length, prompt.begin(), token);
  Tokens tokens = generate(model, prompt);
  bool edited = false;
  for (std::size_t i = 2 + length; i + 1 < size; i += 2) {
    std::int32_t& place = tokens[data[i] % tokens.size()];
    edited |= place != token(data[i + 1]);
    place = token(data[i + 1]);
  }
  if (tokens.size() < 2) return 0;
  const std::size_t first = std::clamp<std::size_t>(length, 1, tokens.size() - 1);
  const Verdict plan = verify(model, tokens, first, Opened::options(TVM_PATH_PLAN), true);
  // The network as written takes ten times as long as with all shortcuts.
  tvm_options layers = Opened::options(TVM_PATH_LAYERS);
  if (data[0] / machines().size() % 8 != 0)
    layers.projection = TVM_PROJECTION_SPARSE, layers.attention = TVM_ATTENTION_HULL,
    layers.bypass = TVM_BYPASS_ALL;
  same(plan, verify(model, tokens, first, layers, true));
  REQUIRE(edited || plan.status != TVM_OK || plan.result.ok == 1);
  // Without predictions it ends at the first mismatch, which is the same one.
  const Verdict brief = verify(model, tokens, first, Opened::options(TVM_PATH_PLAN), false);
  if (plan.status == TVM_OK)
    REQUIRE(brief.status == TVM_OK && brief.result.first_mismatch == plan.result.first_mismatch &&
            brief.result.predicted == plan.result.predicted);
  return 0;
}
