// Memory that runs out anywhere: every function of the ABI is called with its first allocation failing, then
// its second, and so on until it needs no more. It says so, leaves results untouched, and the next call
// works.
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <new>

#include "machine.hpp"
#include "runs.hpp"
#include "words.hpp"

namespace {

std::atomic<std::int64_t> until_failure{0};  // 0: none fails
std::atomic<bool> failed{false};

bool fails() {
  if (until_failure.load(std::memory_order_relaxed) <= 0) return false;
  if (until_failure.fetch_sub(1) != 1) return false;
  return failed = true;
}

void* allocate(std::size_t size, std::size_t alignment) {
  if (fails()) throw std::bad_alloc();
  const std::size_t whole = (std::max<std::size_t>(size, 1) + alignment - 1) / alignment * alignment;
  void* block = alignment > alignof(max_align_t) ? std::aligned_alloc(alignment, whole) : std::malloc(whole);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace

// Not inlined: the compiler would see free() of what new gave, and warn.
#if defined(__GNUC__)
#define TVM_APART [[gnu::noinline]]
#else
#define TVM_APART
#endif
void* operator new(std::size_t size) { return allocate(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return fails() ? nullptr : std::malloc(std::max<std::size_t>(size, 1));
}
void* operator new[](std::size_t size) { return allocate(size, 1); }
TVM_APART void operator delete[](void* block) noexcept { std::free(block); }
TVM_APART void operator delete[](void* block, std::size_t) noexcept { std::free(block); }
TVM_APART void operator delete(void* block, const std::nothrow_t&) noexcept { std::free(block); }
TVM_APART void operator delete(void* block) noexcept { std::free(block); }
TVM_APART void operator delete(void* block, std::size_t) noexcept { std::free(block); }
TVM_APART void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
TVM_APART void operator delete(void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }

#if defined(TVM_WRAP_REALLOC)  // the library's own growing blocks (see meson.build)
extern "C" void* __real_realloc(void* block, std::size_t size);
extern "C" void* __wrap_realloc(void* block, std::size_t size) {
  return fails() ? nullptr : __real_realloc(block, size);
}
#endif

namespace {

std::int64_t failing_one = 0;

// Runs a call of the library with the failure that is being tried.
template <class Call>
auto failing(Call&& call) {
  failed = false;
  until_failure = failing_one;
  const auto result = call();
  until_failure = 0;
  return result;
}

// `attempt` makes one call by failing() and returns its status, TVM_OK only with the right outcome.
void walk(const char* name, const std::function<tvm_status()>& attempt) {
  for (failing_one = 1;; ++failing_one) {
    const tvm_status status = attempt();
    const bool right = status == TVM_OK || (failed && status == TVM_ERROR_MEMORY &&
                                            std::strcmp(tvm_last_error(), "memory ran out") == 0);
    if (!right) {
      std::fprintf(stderr, "%s, allocation %lld: status %d, %s\n", name, static_cast<long long>(failing_one),
                   status, tvm_last_error());
      std::exit(1);
    }
    if (!failed) break;
  }
  const std::int64_t needed = failing_one - 1;
  std::printf("%s: %lld allocations\n", name, static_cast<long long>(needed));
  std::fflush(stdout);
  failing_one = 0;
  CHECK(attempt() == TVM_OK);
}

tvm_status text_status(const char* text) { return text != nullptr ? TVM_OK : TVM_ERROR_MEMORY; }

// A machine with all that plans have: lookups, sums, steps, a function, an output of two values.
ModelBytes with_plan() {
  Machine m(12, 2, 20, 12);
  const int a = m.token_slot({0, 1, 2, 3, 4, 5, 6, 7, 0, 3, 5, 2}), odd = m.token_slot({0, 1});
  const int key = m.token_slot({0, 1, 2, 3}), square = m.token_slot({0, 1, 4, 9});
  const int past = m.gather(0, Machine::position(-3), {{a, 1}});
  const int own = m.lookup(0, {{key, 1}}, {{square, 1}}, {}, {{key, 1}}, {{odd, 1}});
  const int total = m.sum(0, {{odd, 1}});
  const int late = m.step(1, {{total, 1}, {Machine::kOne, -40}}, {{own, 1}});
  m.output({{past, 1}, {late, 1}});
  m.bytes.json = "{}", m.bytes.metadata = true;
  return m.bytes;
}

class Fresh {  // a model that no run has prepared
 public:
  explicit Fresh(const std::vector<unsigned char>& bytes) {
    CHECK(tvm_model_open_memory(bytes.data(), bytes.size(), &model) == TVM_OK);
  }
  ~Fresh() { tvm_model_close(model); }
  tvm_model* model = nullptr;
};

void opening(const std::vector<unsigned char>& bytes) {
  const auto take = [](tvm_status status, tvm_model* model) {
    CHECK((status == TVM_OK) == (model != nullptr));
    tvm_model_close(model);
    return status;
  };
  walk("tvm_model_open_memory", [&] {
    tvm_model* model = nullptr;
    const auto status = failing([&] { return tvm_model_open_memory(bytes.data(), bytes.size(), &model); });
    return take(status, model);
  });
  const std::string path = "test_memory_model.bin";
  std::FILE* file = std::fopen(path.c_str(), "wb");
  CHECK(file != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
  CHECK(std::fclose(file) == 0);
  walk("tvm_model_open", [&] {
    tvm_model* model = nullptr;
    const auto status = failing([&] { return tvm_model_open(path.c_str(), &model); });
    return take(status, model);
  });
  std::remove(path.c_str());
}

void asking(const std::vector<unsigned char>& bytes, const char* why) {
  const Fresh m(bytes);
  tvm_model_sizes sizes{};
  sizes.size = sizeof sizes;
  walk("tvm_model_get_sizes", [&] { return failing([&] { return tvm_model_get_sizes(m.model, &sizes); }); });
  walk("tvm_model_token", [&] { return text_status(failing([&] { return tvm_model_token(m.model, 1); })); });
  walk("tvm_model_metadata",
       [&] { return text_status(failing([&] { return tvm_model_metadata(m.model); })); });
  std::vector<std::int32_t> kinds(static_cast<std::size_t>(sizes.layers * sizes.heads));
  walk("tvm_model_head_kinds",
       [&] { return failing([&] { return tvm_model_head_kinds(m.model, kinds.data(), kinds.size()); }); });
  walk("tvm_model_why_no_plan", [&] {
    const Fresh fresh(bytes);
    const char* text = failing([&] { return tvm_model_why_no_plan(fresh.model); });
    CHECK(std::strstr(tvm_model_why_no_plan(fresh.model), why) != nullptr);
    return text_status(text);
  });
}

void explaining(const std::vector<unsigned char>& bytes, const Tokens& tokens) {
  std::size_t length = 0;
  const auto explain = [&](tvm_model* model) {
    length = 0;
    return tvm_model_explain(
        model, tokens.data(), tokens.size(),
        [](void* user, const char* text) { *static_cast<std::size_t*>(user) = std::strlen(text); }, &length);
  };
  const Fresh whole(bytes);
  CHECK(explain(whole.model) == TVM_OK);
  const std::size_t wanted = length;
  walk("tvm_model_explain", [&] {
    const Fresh fresh(bytes);
    const tvm_status status = failing([&] { return explain(fresh.model); });
    CHECK(length == (status == TVM_OK ? wanted : 0));
    CHECK(explain(fresh.model) == TVM_OK && length == wanted);
    return status;
  });
}

struct Given {  // what a callback was given; takes no memory that the library could miss
  std::int32_t tokens[256];
  std::size_t count = 0;
  static std::int32_t take(void* user, const std::int32_t* tokens, std::size_t count) {
    Given& all = *static_cast<Given*>(user);
    CHECK(all.count + count <= std::size(all.tokens));
    std::copy_n(tokens, count, all.tokens + all.count);
    all.count += count;
    return 0;
  }
};

void running(const std::vector<unsigned char>& bytes, const Tokens& prompt, const tvm_options& how,
             const char* name) {
  constexpr std::uint64_t kLimit = 60;
  Given wanted, given;
  tvm_run_result result{};
  result.size = sizeof result;
  const auto generate = [&](tvm_model* model, Given& to) {
    to.count = 0;
    return tvm_generate(model, prompt.data(), prompt.size(), kLimit, Given::take, &to, &how, &result);
  };
  const Fresh whole(bytes);
  CHECK(generate(whole.model, wanted) == TVM_OK);
  walk((std::string("tvm_generate, ") + name).c_str(), [&] {
    const Fresh fresh(bytes);
    result.tokens = 77;
    const tvm_status status = failing([&] { return generate(fresh.model, given); });
    CHECK(result.tokens == (status == TVM_OK ? wanted.count : 77));
    CHECK(std::equal(given.tokens, given.tokens + given.count, wanted.tokens));
    CHECK(generate(fresh.model, given) == TVM_OK && given.count == wanted.count);
    return status;
  });
  Tokens trace = prompt;
  trace.insert(trace.end(), wanted.tokens, wanted.tokens + wanted.count);
  Tokens predicted(trace.size() - prompt.size(), -7);
  tvm_verify_result checked{};
  checked.size = sizeof checked;
  const auto check = [&](tvm_model* model) {
    return tvm_verify(model, trace.data(), trace.size(), prompt.size(), trace.size(), predicted.data(), &how,
                      &checked);
  };
  walk((std::string("tvm_verify, ") + name).c_str(), [&] {
    const Fresh fresh(bytes);
    std::fill(predicted.begin(), predicted.end(), -7);
    checked.ok = -7;
    const tvm_status status = failing([&] { return check(fresh.model); });
    const auto written = static_cast<std::size_t>(
        std::count_if(predicted.begin(), predicted.end(), [](std::int32_t token) { return token != -7; }));
    CHECK(written == (status == TVM_OK ? predicted.size() : 0) && checked.ok == (status == TVM_OK ? 1 : -7));
    CHECK(check(fresh.model) == TVM_OK && checked.ok == 1);
    return status;
  });
}

// A run that is kept: generated in two pieces, saved, restored into another, and verified there.
void keeping(const std::vector<unsigned char>& bytes, const Tokens& prompt) {
  struct Runs {
    ~Runs() {
      tvm_run_close(one);
      tvm_run_close(other);
    }
    tvm_run *one = nullptr, *other = nullptr;
  };
  struct Border {
    unsigned char bytes[4096];
    std::size_t size = 0;
    static void take(void* user, const void* bytes, std::size_t size) {
      auto& to = *static_cast<Border*>(user);
      CHECK(size <= sizeof to.bytes);
      std::memcpy(to.bytes, bytes, to.size = size);
    }
  };
  walk("tvm_run_...", [&] {
    const Fresh fresh(bytes);
    Runs runs;
    Border border, end, again;
    Given first, second;
    tvm_run_result result{};
    result.size = sizeof result;
    tvm_verify_result checked{};
    checked.size = sizeof checked;
    return failing([&] {
      tvm_status status = TVM_OK;
      const auto done = [&](tvm_status now) { return (status = now) == TVM_OK; };
      static_cast<void>(done(tvm_run_open(fresh.model, prompt.data(), prompt.size(), nullptr, &runs.one)) &&
                        done(tvm_run_generate(runs.one, 30, Given::take, &first, &result)) &&
                        done(tvm_run_save(runs.one, 0, Border::take, &border)) &&
                        done(tvm_run_generate(runs.one, 30, Given::take, &second, &result)) &&
                        done(tvm_run_save(runs.one, prompt.size() - 1 + 30, Border::take, &end)) &&
                        done(tvm_run_open(fresh.model, prompt.data(), prompt.size(), nullptr, &runs.other)) &&
                        done(tvm_run_restore(runs.other, border.bytes, border.size, nullptr, 0)) &&
                        done(tvm_run_verify(runs.other, second.tokens, second.count, &checked)) &&
                        done(tvm_run_save(runs.other, prompt.size() - 1 + 30, Border::take, &again)));
      if (status == TVM_OK)
        CHECK(checked.ok == 1 && end.size == again.size &&
              std::equal(end.bytes, end.bytes + end.size, again.bytes));
      return status;
    });
  });
}

void tracing() {
  const Words words;
  const auto ids = words.encode(
      "{ input_base 00 00 00 00 i32.const 01 00 00 00 i32.const 02 00 00 00 i32.store 00 00 00 00 "
      "i32.const 01 00 00 00 i32.load 00 00 00 00 output 00 00 00 00 halt 00 00 00 00 } 61 00 "
      "commit(+0,sts=0,bt=0)");
  Given wanted, given;
  tvm_run_result result{};
  result.size = sizeof result;
  const auto trace = [&](Given& to) {
    to.count = 0;
    return tvm_trace(words.pointers.data(), static_cast<std::int32_t>(words.pointers.size()), ids.data(),
                     ids.size(), 100, Given::take, &to, &result);
  };
  if (trace(wanted) != TVM_OK) std::fprintf(stderr, "%s\n", tvm_last_error());
  CHECK(wanted.count > 10);
  walk("tvm_trace", [&] {
    const tvm_status status = failing([&] { return trace(given); });
    CHECK(status != TVM_OK || given.count == wanted.count);
    return status;
  });
}

}  // namespace

int main() {
  const auto planned = with_plan().bytes();
  const auto plain = machine_like().bytes();
  const Tokens prompt{0, 3, 5, 2};
  walk("tvm_build_info", [] { return text_status(failing([] { return tvm_build_info(); })); });
  opening(planned);
  asking(planned, "");
  asking(plain, " ");  // has a reason
  explaining(planned, {0, 3, 5, 2, 1, 4});
  running(planned, prompt, Opened::options(TVM_PATH_PLAN), "plan");
  running(planned, prompt, Opened::options(TVM_PATH_LAYERS), "layers as written");
  running(plain, prompt, layers(TVM_PROJECTION_SPARSE, TVM_ATTENTION_HULL, TVM_BYPASS_NONE, 1),
          "sparse, hull");
  running(plain, prompt, layers(TVM_PROJECTION_AUTO, TVM_ATTENTION_AUTO, TVM_BYPASS_ALL, 3),
          "kinds, 3 threads");
  if (has_blas())
    running(plain, prompt, layers(TVM_PROJECTION_BLAS, TVM_ATTENTION_SCAN, TVM_BYPASS_ALL, 1), "BLAS");
  keeping(planned, prompt);
  tracing();
}
