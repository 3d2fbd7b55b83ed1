// The C ABI of models: open, close, inspect.
#include <algorithm>
#include <memory>
#include <span>

#include "api/guard.hpp"
#include "api/handles.hpp"
#include "api/tokens.hpp"
#include "kernel/load.hpp"
#include "plan/explain.hpp"
#include "plan/kernel/emit.hpp"
#include "plan/specialize/fingerprint.hpp"

namespace {

static_assert(static_cast<int>(tvm::HeadKind::kLookup) == TVM_HEAD_LOOKUP &&
              static_cast<int>(tvm::HeadKind::kPassthrough) == TVM_HEAD_PASSTHROUGH &&
              static_cast<int>(tvm::HeadKind::kGather) == TVM_HEAD_GATHER &&
              static_cast<int>(tvm::HeadKind::kAverage) == TVM_HEAD_AVERAGE &&
              static_cast<int>(tvm::HeadKind::kUnused) == TVM_HEAD_UNUSED);

void open(std::span<const unsigned char> bytes, const char* name, tvm_model** model) {
  auto opened = std::make_unique<tvm_model>();
  opened->model = tvm::read_model(bytes, name);
  *model = opened.release();
}

const tvm::plan::Plan& plan_of(const tvm_model& model) {
  const tvm::plan::Plan* plan = model.plan();
  if (plan == nullptr)
    throw tvm::Error(tvm::Status::kUnsupported, tvm::sentence("the model has no plan: ", model.why_no_plan));
  return *plan;
}

std::shared_ptr<const tvm::kernel::Loaded> load_kernel(const tvm_model* model, const char* path) {
  tvm::require(model != nullptr, "model is NULL");
  tvm::require(path != nullptr, "path is NULL");
  const std::uint64_t plan = tvm::plan::fingerprint_of(plan_of(*model).subject());
  return std::make_shared<const tvm::kernel::Loaded>(path, plan, model->model.stop);
}

}  // namespace

extern "C" {

tvm_status tvm_model_open(const char* path, tvm_model** model) {
  return tvm::guard([&] {
    tvm::require(path != nullptr, "path is NULL");
    tvm::require(model != nullptr, "model is NULL");
    open(tvm::read_file(path), path, model);
  });
}

tvm_status tvm_model_open_memory(const void* bytes, size_t size, tvm_model** model) {
  return tvm::guard([&] {
    tvm::require(bytes != nullptr, "bytes is NULL");
    tvm::require(model != nullptr, "model is NULL");
    open({static_cast<const unsigned char*>(bytes), size}, "the model in memory", model);
  });
}

void tvm_model_close(tvm_model* model) { delete model; }

tvm_status tvm_model_get_sizes(const tvm_model* model, tvm_model_sizes* sizes) {
  return tvm::guard([&] {
    tvm::require(model != nullptr, "model is NULL");
    tvm::require_size(sizes, "sizes");
    const tvm::Model& m = model->model;
    tvm::give(sizes, tvm_model_sizes{0, m.vocabulary, m.width, static_cast<std::int32_t>(m.layers.size()),
                                     m.heads, m.neurons, m.stop, m.kinds_stored});
  });
}

const char* tvm_model_token(const tvm_model* model, int32_t id) {
  return tvm::guard_text([&] {
    tvm::require(model != nullptr, "model is NULL");
    if (id < 0 || id >= model->model.vocabulary)
      throw tvm::Error(
          tvm::Status::kArgument,
          tvm::sentence("token id ", id, " is outside the vocabulary of ", model->model.vocabulary));
    return model->model.tokens[static_cast<std::size_t>(id)].c_str();
  });
}

tvm_status tvm_model_head_kinds(const tvm_model* model, int32_t* kinds, size_t count) {
  return tvm::guard([&] {
    tvm::require(model != nullptr, "model is NULL");
    tvm::require(kinds != nullptr, "kinds is NULL");
    const auto& all = model->model.kinds;
    if (count != all.size())
      throw tvm::Error(tvm::Status::kArgument,
                       tvm::sentence("count is ", count, ", the model has ", all.size(), " heads"));
    std::transform(all.begin(), all.end(), kinds,
                   [](tvm::HeadKind kind) { return static_cast<std::int32_t>(kind); });
  });
}

const char* tvm_model_why_no_plan(const tvm_model* model) {
  return tvm::guard_text([&] {
    tvm::require(model != nullptr, "model is NULL");
    return model->plan() != nullptr ? "" : model->why_no_plan.c_str();
  });
}

tvm_status tvm_model_explain(const tvm_model* model, const int32_t* tokens, size_t count,
                             tvm_text_callback callback, void* user) {
  return tvm::guard([&] {
    tvm::require(model != nullptr, "model is NULL");
    tvm::require(callback != nullptr, "callback is NULL");
    std::span<const std::int32_t> sequence;
    if (tokens != nullptr || count > 0) sequence = tvm::checked_tokens(model->model, tokens, count, "tokens");
    const tvm::plan::Plan& plan = plan_of(*model);
    const tvm::InWidth<tvm::kernel::Token, std::int32_t> narrow(sequence);
    callback(user, tvm::plan::explain(plan, narrow.tokens()).c_str());
  });
}

tvm_status tvm_model_kernel_source(const tvm_model* model, const tvm_kernel_trace* traces, size_t count,
                                   int32_t parts, tvm_source_callback callback, void* user) {
  return tvm::guard([&] {
    tvm::require(model != nullptr, "model is NULL");
    tvm::require(traces != nullptr, "traces is NULL");
    tvm::require(callback != nullptr, "callback is NULL");
    tvm::require(count > 0, "count is 0: a kernel is made for at least one trace");
    tvm::require(parts >= 1 && parts <= 64, "parts must be 1 to 64");
    const tvm::plan::Plan& plan = plan_of(*model);
    std::vector<tvm::plan::Example> examples;
    std::vector<std::vector<tvm::kernel::Token>> narrow;
    for (const tvm_kernel_trace& trace : std::span(traces, count)) {
      const auto tokens = tvm::checked_tokens(model->model, trace.tokens, trace.count, "a trace");
      tvm::require(trace.prompt >= 1 && trace.prompt <= trace.count,
                   "a trace's prompt is not 1 to its count");
      narrow.emplace_back(tokens.begin(), tokens.end());
      examples.push_back({narrow.back(), trace.prompt});
    }
    for (const auto& file : tvm::plan::emit(model->model, plan, examples, static_cast<std::size_t>(parts)))
      callback(user, file.name.c_str(), file.text.c_str());
  });
}

tvm_status tvm_model_load_kernel(const tvm_model* model, const char* path) {
  return tvm::guard([&] {
    auto kernel = load_kernel(model, path);
    plan_of(*model).use(std::move(kernel));
  });
}

tvm_status tvm_model_kernel_blocks(const tvm_model* model, const char* path, uint32_t* blocks) {
  return tvm::guard([&] {
    tvm::require(blocks != nullptr, "blocks is NULL");
    *blocks = load_kernel(model, path)->kernel().blocks;
  });
}

tvm_status tvm_model_fingerprint(const tvm_model* model, uint64_t* fingerprint) {
  return tvm::guard([&] {
    tvm::require(model != nullptr, "model is NULL");
    tvm::require(fingerprint != nullptr, "fingerprint is NULL");
    *fingerprint = tvm::plan::fingerprint_of(plan_of(*model).subject());
  });
}

const char* tvm_model_metadata(const tvm_model* model) {
  return tvm::guard_text([&] {
    tvm::require(model != nullptr, "model is NULL");
    return model->model.metadata.c_str();
  });
}

}  // extern "C"
