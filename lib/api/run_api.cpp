// The C ABI of runs: options checked, tokens checked, then the path that was asked for.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>

#include "api/guard.hpp"
#include "api/handles.hpp"
#include "api/tokens.hpp"
#include "layers/runs.hpp"
#include "plan/run/runs.hpp"

namespace {

constexpr std::int32_t kMaxThreads = 1024;

tvm_options defaults() {
  return {sizeof(tvm_options), TVM_PATH_AUTO, TVM_PROJECTION_AUTO, TVM_ATTENTION_AUTO, TVM_BYPASS_ALL, 0};
}

tvm_options checked(const tvm_options* options) {
  if (options == nullptr) return defaults();
  tvm::require_size(options, "options");
  const tvm_options given = tvm::taken(options, defaults());
  const auto within = [](std::int32_t value, std::int32_t highest, const char* name) {
    if (value < 0 || value > highest)
      throw tvm::Error(TVM_ERROR_ARGUMENT,
                       tvm::sentence("options: ", name, " is ", value, ", allowed are 0 to ", highest));
  };
  within(given.path, TVM_PATH_LAYERS, "path");
  within(given.projection, TVM_PROJECTION_SPARSE, "projection");
  within(given.attention, TVM_ATTENTION_SCAN, "attention");
  within(given.bypass, TVM_BYPASS_ALL, "bypass");
  within(given.threads, kMaxThreads, "threads");
  return given;
}

// The plan that a run takes, null for the layer path. Whoever chooses projection, attention or
// bypass means the layer path.
const tvm::plan::Plan* plan_for(const tvm_model& model, const tvm_options& how) {
  if (how.path == TVM_PATH_LAYERS) return nullptr;
  const bool layer_options = how.projection != TVM_PROJECTION_AUTO || how.attention != TVM_ATTENTION_AUTO ||
                             how.bypass != TVM_BYPASS_ALL;
  if (how.path == TVM_PATH_AUTO && layer_options) return nullptr;
  const tvm::plan::Plan* plan = model.plan();
  if (plan == nullptr && how.path == TVM_PATH_PLAN)
    throw tvm::Error(TVM_ERROR_UNSUPPORTED, tvm::sentence("path plan: the model has none (",
                                                          model.why_no_plan, "); use path layers"));
  return plan;
}

// Runs on the plan; false when the layer path must do it all: there is no plan, or the sequence left it and
// path is auto.
template <class Run>
bool by_plan(const tvm_model& model, const tvm_options& how, Run&& run) {
  const tvm::plan::Plan* plan = plan_for(model, how);
  if (plan == nullptr) return false;
  try {
    return run(*plan);
  } catch (const tvm::Error& error) {
    if (error.status() != TVM_ERROR_UNSUPPORTED || how.path == TVM_PATH_PLAN) throw;
    return false;
  }
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

extern "C" {

void tvm_options_default(tvm_options* options) {
  // Whose size is not known: no field behind `threads` may ever be written here.
  static_assert(sizeof(tvm_options) == offsetof(tvm_options, threads) + sizeof(std::int32_t));
  if (options != nullptr) *options = defaults();
}

tvm_status tvm_generate(const tvm_model* model, const int32_t* prompt, size_t prompt_count, uint64_t limit,
                        tvm_callback callback, void* user, const tvm_options* options,
                        tvm_run_result* result) {
  return tvm::guard([&] {
    const auto start = std::chrono::steady_clock::now();
    tvm::require(model != nullptr, "model is NULL");
    tvm::require_size(result, "result");
    const tvm_options how = checked(options);
    const auto tokens = tvm::checked_tokens(model->model, prompt, prompt_count, "prompt");
    tvm_run_result run{};
    run.exact = 1;
    const bool done = by_plan(*model, how, [&](const tvm::plan::Plan& plan) {
      try {
        tvm::plan::generate(plan, model->model.stop, tokens, limit, callback, user, run);
      } catch (const tvm::Error& error) {
        // What was handed over cannot be taken back.
        if (error.status() == TVM_ERROR_UNSUPPORTED && run.tokens > 0)
          throw tvm::Error(TVM_ERROR_LIMIT, error.what());
        throw;
      }
      return true;
    });
    if (!done)
      tvm::generate_by_layers(model->model, model->plan() != nullptr, tokens, limit, callback, user, how,
                              run);
    run.seconds = seconds_since(start);
    tvm::give(result, run);
  });
}

tvm_status tvm_verify(const tvm_model* model, const int32_t* tokens, size_t count, size_t first, size_t last,
                      int32_t* predicted, const tvm_options* options, tvm_verify_result* result) {
  return tvm::guard([&] {
    const auto start = std::chrono::steady_clock::now();
    tvm::require(model != nullptr, "model is NULL");
    tvm::require_size(result, "result");
    const tvm_options how = checked(options);
    const auto checked_span = tvm::checked_tokens(model->model, tokens, count, "tokens");
    if (first < 1 || first > last || last > count)
      throw tvm::Error(TVM_ERROR_ARGUMENT, tvm::sentence("the window ", first, " .. ", last,
                                                         " does not lie within 1 .. ", count));
    tvm_verify_result run{};
    run.exact = 1;
    // Aside until all is known: the caller's array stays untouched when the run fails.
    std::unique_ptr<std::int32_t[]> found;
    if (predicted != nullptr) found = std::make_unique_for_overwrite<std::int32_t[]>(last - first);
    const bool done = by_plan(*model, how, [&](const tvm::plan::Plan& plan) {
      tvm::plan::verify(plan, checked_span, first, last, found.get(), how.threads, run);
      return true;
    });
    if (!done)
      tvm::verify_by_layers(model->model, model->plan() != nullptr, checked_span, first, last, found.get(),
                            how, run);
    if (predicted != nullptr) std::copy_n(found.get(), last - first, predicted);
    run.seconds = seconds_since(start);
    tvm::give(result, run);
  });
}

}  // extern "C"
