// The C ABI of runs: options and tokens checked, then the engine that was asked for. Structs of the ABI end
// here; engines have their own.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>

#include "api/guard.hpp"
#include "api/handles.hpp"
#include "api/tokens.hpp"
#include "executor/executor.hpp"
#include "layers/runs.hpp"
#include "plan/run/left_plan.hpp"
#include "plan/run/runs.hpp"

namespace {

static_assert(static_cast<int>(tvm::Variant::kAuto) == TVM_PROJECTION_AUTO &&
              static_cast<int>(tvm::Variant::kDense) == TVM_PROJECTION_DENSE &&
              static_cast<int>(tvm::Variant::kBlas) == TVM_PROJECTION_BLAS &&
              static_cast<int>(tvm::Variant::kSparse) == TVM_PROJECTION_SPARSE &&
              static_cast<int>(tvm::Search::kAuto) == TVM_ATTENTION_AUTO &&
              static_cast<int>(tvm::Search::kHull) == TVM_ATTENTION_HULL &&
              static_cast<int>(tvm::Search::kScan) == TVM_ATTENTION_SCAN &&
              static_cast<int>(tvm::Bypass::kNone) == TVM_BYPASS_NONE &&
              static_cast<int>(tvm::Bypass::kPassthrough) == TVM_BYPASS_PASSTHROUGH &&
              static_cast<int>(tvm::Bypass::kGather) == TVM_BYPASS_GATHER &&
              static_cast<int>(tvm::Bypass::kAll) == TVM_BYPASS_ALL &&
              static_cast<int>(tvm::Stopped::kToken) == TVM_STOPPED_TOKEN &&
              static_cast<int>(tvm::Stopped::kLimit) == TVM_STOPPED_LIMIT &&
              static_cast<int>(tvm::Stopped::kSink) == TVM_STOPPED_CALLBACK);

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
      throw tvm::Error(tvm::Status::kArgument,
                       tvm::sentence("options: ", name, " is ", value, ", allowed are 0 to ", highest));
  };
  within(given.path, TVM_PATH_KERNEL, "path");
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
  if (plan == nullptr && how.path != TVM_PATH_AUTO)
    throw tvm::Error(tvm::Status::kUnsupported,
                     tvm::sentence(how.path == TVM_PATH_PLAN ? "path plan: the model has none ("
                                                             : "path kernel: the model has no plan (",
                                   model.why_no_plan, "); use path layers"));
  if (how.path == TVM_PATH_KERNEL && !plan->has_kernel())
    throw tvm::Error(tvm::Status::kUnsupported,
                     "path kernel: no kernel of this model is loaded; load one, or use path plan");
  return plan;
}

// Runs on the plan; false when the layer path must do it all: there is no plan, or the sequence left it and
// path is auto.
template <class Run>
bool by_plan(const tvm_model& model, const tvm_options& how, Run&& run) {
  const tvm::plan::Plan* plan = plan_for(model, how);
  if (plan == nullptr) return false;
  try {
    run(*plan);
    return true;
  } catch (const tvm::plan::LeftPlan&) {
    if (how.path != TVM_PATH_AUTO) throw;
    return false;
  }
}

tvm::LayerOptions layer_options(const tvm_options& how) {
  return {static_cast<tvm::Variant>(how.projection), static_cast<tvm::Search>(how.attention),
          static_cast<tvm::Bypass>(how.bypass), how.threads};
}

template <class Token, class Callback>
tvm::HandOver hand_over_to(std::uint64_t limit, Callback callback, void* user) {
  if (callback == nullptr) return {limit, tvm::SinkOf<Token>()};
  return {limit, tvm::SinkOf<Token>([callback, user](std::span<const Token> tokens) {
            return callback(user, tokens.data(), tokens.size()) == 0;
          })};
}
tvm::HandOver hand_over(std::uint64_t limit, tvm_callback callback, void* user) {
  return hand_over_to<std::int32_t>(limit, callback, user);
}
tvm::HandOver hand_over(std::uint64_t limit, tvm_callback16 callback, void* user) {
  return hand_over_to<std::uint16_t>(limit, callback, user);
}

tvm_run_result result_of(const tvm::HandOver& out) {
  tvm_run_result result{};
  result.stopped = static_cast<std::int32_t>(out.stopped());
  result.tokens = out.given();
  result.cursor = -1;
  return result;
}

template <class Result>
void describe(const tvm::LayerReport& report, Result& result) {
  result.exact = report.exact;
  result.projection_seconds = report.seconds.projection;
  result.attention_seconds = report.seconds.attention;
  result.output_seconds = report.seconds.output;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Each of these in two widths of tokens.

template <class Token, class Callback>
tvm_status generate(const tvm_model* model, const Token* prompt, size_t prompt_count, uint64_t limit,
                    Callback callback, void* user, const tvm_options* options, tvm_run_result* result) {
  return tvm::guard([&] {
    const auto start = std::chrono::steady_clock::now();
    tvm::require(model != nullptr, "model is NULL");
    tvm::require_size(result, "result");
    const tvm_options how = checked(options);
    const auto tokens = tvm::checked_tokens(model->model, prompt, prompt_count, "prompt");
    tvm::HandOver out = hand_over(limit, callback, user);
    tvm::LayerReport report;
    tvm::plan::Engine engine{.kernel = how.path != TVM_PATH_PLAN};
    if (!by_plan(*model, how, [&](const tvm::plan::Plan& plan) {
          const tvm::InWidth<tvm::kernel::Token, Token> narrow(tokens);
          tvm::plan::generate(plan, model->model.stop, narrow.tokens(), out, engine);
        }))
      report = tvm::generate_by_layers(model->model, model->plan() != nullptr,
                                       tvm::InWidth<std::int32_t, Token>(tokens).tokens(), layer_options(how),
                                       out);
    tvm_run_result run = result_of(out);
    describe(report, run);
    run.covered = engine.covered;
    run.seconds = seconds_since(start);
    tvm::give(result, run);
  });
}

template <class Token>
tvm_status verify(const tvm_model* model, const Token* tokens, size_t count, size_t first, size_t last,
                  int32_t* predicted, const tvm_options* options, tvm_verify_result* result) {
  return tvm::guard([&] {
    const auto start = std::chrono::steady_clock::now();
    tvm::require(model != nullptr, "model is NULL");
    tvm::require_size(result, "result");
    const tvm_options how = checked(options);
    const auto checked_span = tvm::checked_tokens(model->model, tokens, count, "tokens");
    if (first < 1 || first > last || last > count)
      throw tvm::Error(tvm::Status::kArgument, tvm::sentence("the window ", first, " .. ", last,
                                                             " does not lie within 1 .. ", count));
    // Aside until all is known: the caller's array stays untouched when the run fails.
    std::unique_ptr<std::int32_t[]> found;
    if (predicted != nullptr) found = std::make_unique_for_overwrite<std::int32_t[]>(last - first);
    tvm::Verdict verdict;
    tvm::LayerReport report;
    tvm::plan::Engine engine{.kernel = how.path != TVM_PATH_PLAN};
    if (!by_plan(*model, how, [&](const tvm::plan::Plan& plan) {
          const tvm::InWidth<tvm::kernel::Token, Token> narrow(checked_span);
          verdict = tvm::plan::verify(plan, narrow.tokens(), first, last, found.get(), how.threads, engine);
        }))
      report = tvm::verify_by_layers(model->model, model->plan() != nullptr,
                                     tvm::InWidth<std::int32_t, Token>(checked_span).tokens(), first, last,
                                     found.get(), layer_options(how), verdict);
    if (predicted != nullptr) std::copy_n(found.get(), last - first, predicted);
    tvm_verify_result run{};
    run.ok = verdict.ok();
    run.checked = verdict.checked;
    run.first_mismatch = verdict.first_mismatch;
    run.expected = verdict.expected;
    run.predicted = verdict.predicted;
    describe(report, run);
    run.covered = engine.covered;
    run.seconds = seconds_since(start);
    tvm::give(result, run);
  });
}

template <class Token, class Callback>
tvm_status trace(const char* const* vocabulary, int32_t vocabulary_count, const Token* prompt,
                 size_t prompt_count, uint64_t limit, Callback callback, void* user, tvm_run_result* result) {
  return tvm::guard([&] {
    const auto start = std::chrono::steady_clock::now();
    tvm::require(vocabulary != nullptr, "vocabulary is NULL");
    tvm::require(vocabulary_count > 0, "vocabulary_count is not positive");
    tvm::require(sizeof(Token) > 2 || vocabulary_count <= 1 << 16, "16 bits do not number so many tokens");
    tvm::require(prompt != nullptr, "prompt is NULL");
    tvm::require_size(result, "result");
    const tvm::executor::Vocabulary words({vocabulary, static_cast<std::size_t>(vocabulary_count)});
    const auto program =
        tvm::executor::decode(words, tvm::InWidth<std::int32_t, Token>({prompt, prompt_count}).tokens());
    tvm::HandOver out = hand_over(limit, callback, user);
    const auto outcome = tvm::executor::execute(program, words, out);
    tvm_run_result run = result_of(out);
    run.exact = 1;
    run.cursor = outcome.cursor;
    run.instructions = outcome.instructions;
    run.seconds = seconds_since(start);
    tvm::give(result, run);
  });
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
  return generate(model, prompt, prompt_count, limit, callback, user, options, result);
}

tvm_status tvm_generate16(const tvm_model* model, const uint16_t* prompt, size_t prompt_count, uint64_t limit,
                          tvm_callback16 callback, void* user, const tvm_options* options,
                          tvm_run_result* result) {
  return generate(model, prompt, prompt_count, limit, callback, user, options, result);
}

tvm_status tvm_verify(const tvm_model* model, const int32_t* tokens, size_t count, size_t first, size_t last,
                      int32_t* predicted, const tvm_options* options, tvm_verify_result* result) {
  return verify(model, tokens, count, first, last, predicted, options, result);
}

tvm_status tvm_verify16(const tvm_model* model, const uint16_t* tokens, size_t count, size_t first,
                        size_t last, int32_t* predicted, const tvm_options* options,
                        tvm_verify_result* result) {
  return verify(model, tokens, count, first, last, predicted, options, result);
}

tvm_status tvm_run_open(const tvm_model* model, const int32_t* prompt, size_t prompt_count,
                        const tvm_options* options, tvm_run** run) {
  return tvm::guard([&] {
    tvm::require(model != nullptr, "model is NULL");
    tvm::require(run != nullptr, "run is NULL");
    tvm_options how = checked(options);
    const auto tokens = tvm::checked_tokens(model->model, prompt, prompt_count, "prompt");
    if (how.path == TVM_PATH_AUTO && model->plan() == nullptr) how.path = TVM_PATH_PLAN;
    const tvm::plan::Plan* plan = plan_for(*model, how);
    if (plan == nullptr)
      throw tvm::Error(tvm::Status::kUnsupported,
                       "path layers: a run that is kept takes the plan; use path auto or plan");
    *run = new tvm_run{
        model->model,
        {*plan, model->model.stop, tvm::InWidth<tvm::kernel::Token, std::int32_t>(tokens).tokens(),
         how.path != TVM_PATH_PLAN}};
  });
}

void tvm_run_close(tvm_run* run) { delete run; }

tvm_status tvm_run_generate(tvm_run* run, uint64_t limit, tvm_callback callback, void* user,
                            tvm_run_result* result) {
  return tvm::guard([&] {
    const auto start = std::chrono::steady_clock::now();
    tvm::require(run != nullptr, "run is NULL");
    tvm::require_size(result, "result");
    tvm::HandOver out = hand_over(limit, callback, user);
    const std::uint64_t before = run->sequence.covered();
    run->sequence.generate(out);
    tvm_run_result done = result_of(out);
    done.exact = 1;
    done.covered = run->sequence.covered() - before;
    done.seconds = seconds_since(start);
    tvm::give(result, done);
  });
}

tvm_status tvm_run_verify(tvm_run* run, const int32_t* tokens, size_t count, tvm_verify_result* result) {
  return tvm::guard([&] {
    const auto start = std::chrono::steady_clock::now();
    tvm::require(run != nullptr, "run is NULL");
    tvm::require_size(result, "result");
    const auto given = tvm::checked_tokens(run->model, tokens, count, "tokens");
    const std::uint64_t before = run->sequence.covered();
    const tvm::Verdict verdict =
        run->sequence.verify(tvm::InWidth<tvm::kernel::Token, std::int32_t>(given).tokens());
    tvm_verify_result done{};
    done.ok = verdict.ok();
    done.checked = verdict.checked;
    done.first_mismatch = verdict.first_mismatch;
    done.expected = verdict.expected;
    done.predicted = verdict.predicted;
    done.exact = 1;
    done.covered = run->sequence.covered() - before;
    done.seconds = seconds_since(start);
    tvm::give(result, done);
  });
}

uint64_t tvm_run_position(const tvm_run* run) { return run == nullptr ? 0 : run->sequence.position(); }

tvm_status tvm_run_save(tvm_run* run, uint64_t since, tvm_bytes_callback callback, void* user) {
  return tvm::guard([&] {
    tvm::require(run != nullptr, "run is NULL");
    tvm::require(callback != nullptr, "callback is NULL");
    const tvm::plan::Bytes border = run->sequence.save(since);
    callback(user, border.data(), border.size());
  });
}

tvm_status tvm_run_restore(tvm_run* run, const void* border, size_t size, const int32_t* tokens,
                           size_t count) {
  return tvm::guard([&] {
    tvm::require(run != nullptr, "run is NULL");
    tvm::require(border != nullptr, "border is NULL");
    std::span<const std::int32_t> more;
    if (count > 0) more = tvm::checked_tokens(run->model, tokens, count, "tokens");
    run->sequence.restore({static_cast<const unsigned char*>(border), size},
                          tvm::InWidth<tvm::kernel::Token, std::int32_t>(more).tokens());
  });
}

tvm_status tvm_trace(const char* const* vocabulary, int32_t vocabulary_count, const int32_t* prompt,
                     size_t prompt_count, uint64_t limit, tvm_callback callback, void* user,
                     tvm_run_result* result) {
  return trace(vocabulary, vocabulary_count, prompt, prompt_count, limit, callback, user, result);
}

tvm_status tvm_trace16(const char* const* vocabulary, int32_t vocabulary_count, const uint16_t* prompt,
                       size_t prompt_count, uint64_t limit, tvm_callback16 callback, void* user,
                       tvm_run_result* result) {
  return trace(vocabulary, vocabulary_count, prompt, prompt_count, limit, callback, user, result);
}

}  // extern "C"
