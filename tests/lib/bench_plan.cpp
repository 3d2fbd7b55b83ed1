// How fast the plan is: the folded tape alone (one class, no selectors), the specialised plan, and its kernel
// if one is named; generation and verification, in turn within each round. For people: no figure is tested.
//
//     bench_plan MODEL TOKENS [rounds [first [KERNEL]]]
//
// MODEL: a model file. TOKENS: a whole trace, int32 little endian. The first `first` tokens (default 1) are
// the prompt, the others are generated again and compared. Or through `meson test --benchmark` with the two
// paths in TVM_BENCH_MODEL and TVM_BENCH_TOKENS.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "model/model.hpp"
#include "plan/fold/fold.hpp"
#include "plan/plan.hpp"
#include "plan/run/runs.hpp"
#include "plan/specialize/fingerprint.hpp"
#include "tvm.h"

namespace {

using Clock = std::chrono::steady_clock;
using Tokens = std::vector<std::uint16_t>;
using tvm::plan::Plan;

double seconds_of(const std::function<void()>& run) {
  const auto start = Clock::now();
  run();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::unique_ptr<const Plan> folded_alone(const tvm::Model& model) {
  tvm::plan::Subject subject{tvm::plan::fold(model), {}, {}, {}};
  tvm::plan::Division division =
      tvm::plan::choose_division(subject.network, tvm::plan::live_nodes(subject.network));
  tvm::plan::narrow_intervals(subject.network, division);
  subject.division.classes.assign(1, {});
  subject.division.token_class.assign(subject.network.bias.size(), 0);
  subject.find_uses();
  return std::make_unique<Plan>(std::move(subject));
}

struct Variant {
  std::string name;
  std::function<bool()> run;
  std::vector<double> rates,
      by_processor;  // by wall time; by processor time, which other processes disturb less
};

bool generates(const Plan& plan, std::int32_t stop, const Tokens& tokens, std::size_t first) {
  const std::uint16_t* next = tokens.data() + first;
  bool same = true;
  tvm::HandOver out(tokens.size() - first, [&](std::span<const std::uint16_t> chunk) {
    same &= std::equal(chunk.begin(), chunk.end(), next);
    next += chunk.size();
    return same;
  });
  tvm::plan::Engine engine;
  tvm::plan::generate(plan, stop, {tokens.data(), first}, out, engine);
  return same && out.given() == tokens.size() - first;
}

bool verifies(const Plan& plan, const Tokens& tokens, std::size_t first, int threads) {
  tvm::plan::Engine engine;
  const tvm::Verdict found = tvm::plan::verify(plan, tokens, first, tokens.size(), nullptr, threads, engine);
  if (!found.ok())
    std::fprintf(stderr, "the first mismatch is at %lld\n", static_cast<long long>(found.first_mismatch));
  return found.ok();
}

int bench(const char* model_path, const char* tokens_path, int rounds, std::size_t first,
          const char* kernel_path) {
  const tvm::Model model = tvm::read_model(tvm::read_file(model_path), model_path);
  const auto bytes = tvm::read_file(tokens_path);
  std::vector<std::int32_t> wide(bytes.size() / 4);
  std::copy_n(bytes.data(), wide.size() * 4, reinterpret_cast<unsigned char*>(wide.data()));
  const Tokens tokens(wide.begin(), wide.end());
  if (first < 1 || first >= tokens.size()) {
    std::fprintf(stderr, "%s: %zu tokens, of which %zu are to be the prompt\n", tokens_path, tokens.size(),
                 first);
    return 2;
  }
  std::string why_not;
  std::unique_ptr<const Plan> plan;
  const double building = seconds_of([&] { plan = tvm::plan::build_plan(model, why_not); });
  if (plan == nullptr) {
    std::fprintf(stderr, "%s: there is no plan: %s\n", model_path, why_not.c_str());
    return 1;
  }
  const std::unique_ptr<const Plan> folded = folded_alone(model);
  std::unique_ptr<const Plan> compiled;
  if (kernel_path != nullptr) {
    compiled = tvm::plan::build_plan(model, why_not);
    compiled->use(std::make_shared<const tvm::kernel::Loaded>(
        kernel_path, tvm::plan::fingerprint_of(compiled->subject()), model.stop));
  }
  std::printf("%s\nplan built in %.1f ms; %zu tokens, %zu of them given\n", tvm_build_info(), 1e3 * building,
              tokens.size(), first);
  std::vector<Variant> variants;
  for (const auto& [name, how] : {std::pair{"folded tape", folded.get()}, std::pair{"plan", plan.get()},
                                  std::pair{"kernel", compiled.get()}}) {
    if (how == nullptr) continue;
    const std::string title = name;
    const Plan* one = how;
    variants.push_back(
        {title + ": generate", [&, one] { return generates(*one, model.stop, tokens, first); }, {}, {}});
    for (const int threads : {1, 2})
      variants.push_back({title + ": verify, threads " + std::to_string(threads),
                          [&, one, threads] { return verifies(*one, tokens, first, threads); },
                          {},
                          {}});
  }
  for (int round = 0; round < rounds; ++round)
    for (Variant& variant : variants) {
      bool right = false;
      const std::clock_t start = std::clock();
      const double seconds = seconds_of([&] { right = variant.run(); });
      if (!right) {
        std::fprintf(stderr, "%s: other tokens than in %s\n", variant.name.c_str(), tokens_path);
        return 1;
      }
      const double used = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
      variant.rates.push_back(static_cast<double>(tokens.size() - first) / seconds);
      variant.by_processor.push_back(static_cast<double>(tokens.size() - first) / used);
    }
  std::printf(
      "| variant                         | million tokens/s | spread | per processor second "
      "|\n|---|---|---|---|\n");
  for (Variant& variant : variants) {
    for (auto* rates : {&variant.rates, &variant.by_processor}) std::sort(rates->begin(), rates->end());
    const double median = variant.rates[variant.rates.size() / 2];
    std::printf("| %-31s | %16.2f | %4.0f %% | %20.2f |\n", variant.name.c_str(), 1e-6 * median,
                100 * (variant.rates.back() - variant.rates.front()) / median,
                1e-6 * variant.by_processor[variant.by_processor.size() / 2]);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const char* model = argc > 2 ? argv[1] : std::getenv("TVM_BENCH_MODEL");
  const char* tokens = argc > 2 ? argv[2] : std::getenv("TVM_BENCH_TOKENS");
  if (model == nullptr || tokens == nullptr) {
    std::fprintf(stderr, "usage: bench_plan MODEL TOKENS [rounds [first]]\n");
    return 77;  // meson: skipped
  }
  try {
    return bench(model, tokens, argc > 3 ? std::max(1, std::atoi(argv[3])) : 5,
                 argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 1, argc > 5 ? argv[5] : nullptr);
  } catch (const tvm::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
