// Generation and verification through the C ABI: every combination of options gives the same tokens,
// chunk boundaries and windows change nothing, limits and wrong arguments are refused, forks survive.
#include <cmath>
#include <cstring>
#include <optional>
#include <random>
#include <string>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "check.hpp"
#include "model_bytes.hpp"
#include "tvm.h"

namespace {

using Tokens = std::vector<std::int32_t>;
std::mt19937_64 random_source(3);
int between(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_source); }

const bool has_blas = std::strstr(tvm_build_info(), "\"blas\": null") == nullptr;

struct Model {
  explicit Model(const ModelBytes& source) {
    const auto bytes = source.bytes();
    if (tvm_model_open_memory(bytes.data(), bytes.size(), &model) != TVM_OK) std::fprintf(stderr, "%s\n", tvm_last_error());
    CHECK(model != nullptr);
  }
  ~Model() { tvm_model_close(model); }
  Model(const Model&) = delete;
  tvm_model* model = nullptr;
};

tvm_options layers(int projection, int attention, int bypass, int threads) {
  tvm_options options;
  tvm_options_default(&options);
  options.path = TVM_PATH_LAYERS, options.projection = projection, options.attention = attention;
  options.bypass = bypass, options.threads = threads;
  return options;
}

std::int32_t collect(void* user, const std::int32_t* tokens, std::size_t count) {
  auto& all = *static_cast<Tokens*>(user);
  all.insert(all.end(), tokens, tokens + count);
  return 0;
}

Tokens generate(const Model& m, const Tokens& prompt, std::uint64_t limit, const tvm_options& options) {
  Tokens out;
  tvm_run_result result{};
  result.size = sizeof result;
  const auto status = tvm_generate(m.model, prompt.data(), prompt.size(), limit, collect, &out, &options, &result);
  if (status != TVM_OK) std::fprintf(stderr, "%s\n", tvm_last_error());
  CHECK(status == TVM_OK && result.tokens == out.size() && result.cursor == -1);
  return out;
}

tvm_verify_result verify(const Model& m, const Tokens& tokens, std::size_t first, std::size_t last, Tokens* predicted,
                         const tvm_options& options) {
  tvm_verify_result result{};
  result.size = sizeof result;
  if (predicted != nullptr) predicted->assign(last - first + 1, -7);
  const auto status = tvm_verify(m.model, tokens.data(), tokens.size(), first, last,
                                 predicted != nullptr ? predicted->data() : nullptr, &options, &result);
  if (status != TVM_OK) std::fprintf(stderr, "%s\n", tvm_last_error());
  CHECK(status == TVM_OK);
  if (predicted != nullptr) {
    CHECK(predicted->back() == -7);  // nothing beyond last - first
    predicted->pop_back();
  }
  return result;
}

// Integer weights, every kind of head, a running sum, squares as keys; slots 3 one, 4-6 from the token.
ModelBytes machine_like() {
  ModelBytes m(12, 24, 3, 8, 11);
  const double scale = 1e10 * std::sqrt(2.0);
  m.erasures = true;
  m.latest.assign(3 * 12, 1);
  for (int t = 0; t < m.v; ++t) {
    m.e(t, 3) = t > 0;
    for (int slot = 4; slot < 7; ++slot) m.e(t, slot) = between(-3, 3);
    m.e(t, 7) = between(0, 1);
    for (int slot = 3; slot < m.d; ++slot) m.out_row(t, slot) = between(-4, 4);
  }
  const auto query = [&](int l, int head) { m.qkv(l, 0, head, 1, 3) = scale; };
  const auto value = [&](int l, int head) {
    for (int c = 0; c < 2; ++c) {
      for (int i = 0; i < 2; ++i) m.qkv(l, 2, head, c, between(3, l == 0 ? 7 : 20)) = between(-2, 2);
      m.wout(l, 9 + between(0, 5), head, c) = between(-1, 1);
    }
    m.wout(l, 15, head, 0) = 1;
  };
  for (int l = 0; l < 3; ++l) {
    m.layers[static_cast<std::size_t>(l)].attention_erase = {22};
    int head = 0;
    query(l, head), m.qkv(l, 0, head, 0, 0) = scale, m.qkv(l, 1, head, 0, 0) = 2, m.qkv(l, 1, head, 1, 3) = 1;
    value(l, head++);
    for (int i = 0; i < 2; ++i) {  // gathers, some beyond both ends of the history
      query(l, head), m.qkv(l, 0, head, 0, 0) = scale * between(0, 1), m.qkv(l, 0, head, 0, 4 + i) = scale * between(-3, 3);
      m.qkv(l, 1, head, 0, 0) = 2, m.qkv(l, 1, head, 1, 2) = -1, m.qkv(l, 1, head, 1, 1) = i * 0.3;
      value(l, head++);
    }
    m.latest[static_cast<std::size_t>(l * 12 + head)] = 0;  // an average, read back as a running sum below
    query(l, head), m.qkv(l, 1, head, 1, 3) = 1;
    m.qkv(l, 2, head, 0, 4) = 1, m.wout(l, 16 + l, head, 0) = 1, ++head;
    m.gate(l, 0, 0) = 1, m.value(l, 0, 16 + l) = 1, m.ffn(l, 19 + l, 0) = 1;
    m.layers[static_cast<std::size_t>(l)].ffn_erase = {16 + l};
    // Keys that are the sum of the layer before (slot 18 + l), its square in slot 8.
    if (l > 0) {
      for (int i = 0; i < 2; ++i) {
        query(l, head), m.qkv(l, 0, head, 0, 18 + l) = scale, m.qkv(l, 0, head, 0, 3) = -i * scale;
        m.qkv(l, 1, head, 0, 18 + l) = 2, m.qkv(l, 1, head, 1, 8) = -1, m.qkv(l, 1, head, 1, 1) = 0.3;
        m.qkv(l, 1, head, 1, 7) = -1e30;
        value(l, head++);
      }
    }
    // x^2 = max(0, x) x + max(0, -x)(-x)
    m.gate(l, 1, 19 + l) = 1, m.value(l, 1, 19 + l) = 1, m.ffn(l, 8, 1) = 1;
    m.gate(l, 2, 19 + l) = -1, m.value(l, 2, 19 + l) = -1, m.ffn(l, 8, 2) = 1;
    m.layers[static_cast<std::size_t>(l)].attention_erase.push_back(8);
    for (int neuron = 3; neuron < 8; ++neuron) {
      m.gate(l, neuron, between(3, 7)) = between(-2, 2), m.value(l, neuron, between(3, 15)) = between(-1, 1);
      m.ffn(l, between(9, 14), neuron) = between(-1, 1);
    }
    // A head of general integer keys, and one AVERAGE over them; slot 23 keeps the values small.
    for (int tie = 0; tie < 2; ++tie) {
      for (int c = 0; c < 2; ++c)
        for (int slot = 4; slot < 7; ++slot)
          m.qkv(l, 0, head, c, slot) = scale * between(-2, 2), m.qkv(l, 1, head, c, slot) = between(-2, 2);
      m.latest[static_cast<std::size_t>(l * 12 + head)] = tie;
      m.qkv(l, 2, head, 0, 5) = 1;
      if (tie == 1) m.wout(l, 12, head, 0) = 1;
      else m.wout(l, 23, head, 0) = 1;
      ++head;
    }
    m.layers[static_cast<std::size_t>(l)].ffn_erase.push_back(23);
  }
  return m;
}

void combinations() {
  for (int round = 0; round < 4; ++round) {
    const Model m(machine_like());
    Tokens prompt{0};
    for (int i = between(1, 70); i > 0; --i) prompt.push_back(between(1, 10));
    const Tokens expected = generate(m, prompt, 120, layers(TVM_PROJECTION_DENSE, TVM_ATTENTION_SCAN, TVM_BYPASS_NONE, 1));
    Tokens all = prompt, predicted;
    for (int i = 0; i < 150; ++i) all.push_back(between(round % 2, 11));  // anything at all, `zero` tokens too
    verify(m, all, 1, all.size(), &predicted, layers(TVM_PROJECTION_DENSE, TVM_ATTENTION_SCAN, TVM_BYPASS_NONE, 1));
    for (int projection = 0; projection <= 3; ++projection) {
      if (projection == TVM_PROJECTION_BLAS && !has_blas) continue;
      for (int attention = 0; attention <= 2; ++attention)
        for (int bypass = 0; bypass <= 3; ++bypass) {
          const auto options = layers(projection, attention, bypass, bypass % 3);
          CHECK(generate(m, prompt, 120, options) == expected);
          Tokens found;
          verify(m, all, 1, all.size(), &found, options);
          CHECK(found == predicted);
        }
    }
  }
}

// A run that has depended on an order of summation says so.
void order_of_sums() {
  const Tokens tokens{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  for (const bool fractions : {false, true}) {
    ModelBytes source = machine_like();
    if (fractions) source.e(5, 4) += 0.1, source.e(3, 5) -= 0.3;
    const Model m(source);
    for (int projection = 1; projection <= 3; ++projection)
      for (const int bypass : {TVM_BYPASS_NONE, TVM_BYPASS_ALL}) {
        if (projection == TVM_PROJECTION_BLAS && !has_blas) continue;
        for (const int attention : {TVM_ATTENTION_HULL, TVM_ATTENTION_SCAN}) {
          const bool own_order = projection == TVM_PROJECTION_BLAS;
          const auto result = verify(m, tokens, 1, tokens.size(), nullptr, layers(projection, attention, bypass, 1));
          if (!fractions || (!own_order && attention == TVM_ATTENTION_SCAN)) CHECK(result.exact == 1);
          if (fractions && own_order) CHECK(result.exact == 0);
          tvm_run_result run{};
          run.size = sizeof run;
          const auto options = layers(projection, attention, bypass, 1);
          CHECK(tvm_generate(m.model, tokens.data(), tokens.size(), 5, nullptr, nullptr, &options, &run) == TVM_OK);
          CHECK(run.exact == result.exact);
        }
      }
  }
}

// Weights without any structure: sums are not exact, but dense and sparse add in the same order.
void random_floats() {
  for (int round = 0; round < 5; ++round) {
    ModelBytes m(20, 12, 3, 9, 19);
    std::normal_distribution<double> normal(0.0, 0.2);
    const auto fill = [&](std::vector<double>& matrix) {
      for (auto& w : matrix)
        if (between(0, 2) > 0) w = normal(random_source);
    };
    fill(m.embedding), fill(m.head);
    for (auto& layer : m.layers) fill(layer.qkv), fill(layer.out), fill(layer.in), fill(layer.ffn);
    for (int slot = 0; slot < 3; ++slot)  // position and its square would drown everything else
      for (auto& layer : m.layers)
        for (std::size_t row = 0; row < layer.qkv.size() / 12; ++row) layer.qkv[row * 12 + static_cast<std::size_t>(slot)] *= 1e-3;
    for (int i = 0; i < 18; ++i) m.latest.push_back(between(0, 1));
    const Model model(m);
    Tokens tokens, first, found;
    for (int i = 0; i < 300; ++i) tokens.push_back(between(0, 18));
    verify(model, tokens, 1, 300, &first, layers(TVM_PROJECTION_DENSE, TVM_ATTENTION_SCAN, TVM_BYPASS_NONE, 1));
    for (int attention = 0; attention <= 2; ++attention)
      for (const int projection : {TVM_PROJECTION_DENSE, TVM_PROJECTION_SPARSE}) {
        verify(model, tokens, 1, 300, &found, layers(projection, attention, TVM_BYPASS_ALL, 2));
        CHECK(found == first);
      }
  }
}

void windows_and_mismatches() {
  const auto options = layers(0, 0, TVM_BYPASS_ALL, 2);
  Tokens tokens;
  std::optional<Model> endless;  // a machine that does not stop for long
  while (tokens.size() < 9003) {
    endless.emplace(machine_like());
    tokens = {0, 3, 5};
    const Tokens generated = generate(*endless, tokens, 9000, options);
    tokens.insert(tokens.end(), generated.begin(), generated.end());
  }
  const Model& m = *endless;
  for (const std::size_t size : {4u, 65u, 66u, 4096u, 4097u, 4098u, 5000u, 9003u}) {
    const Tokens part(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(size));
    const auto result = verify(m, part, 3, size, nullptr, options);
    CHECK(result.ok == 1 && result.checked == size - 3 && result.first_mismatch == -1 && result.predicted == -1);
  }
  CHECK(verify(m, tokens, 3, 3, nullptr, options).checked == 0);
  for (const std::size_t at : {std::size_t{3}, tokens.size() / 2, tokens.size() - 1}) {
    Tokens damaged = tokens;
    damaged[at] = (damaged[at] + 1) % 11;
    const auto result = verify(m, damaged, 3, damaged.size(), nullptr, options);
    CHECK(result.ok == 0 && result.first_mismatch == static_cast<std::int64_t>(at) && result.checked == at - 2);
    CHECK(result.expected == damaged[at] && result.predicted == tokens[at]);
    CHECK(verify(m, damaged, 3, at, nullptr, options).ok == 1);
    Tokens window, whole;
    verify(m, damaged, 1, damaged.size(), &whole, options);
    verify(m, damaged, at, damaged.size(), &window, options);
    CHECK(std::equal(window.begin(), window.end(), whole.begin() + static_cast<std::ptrdiff_t>(at) - 1));
  }
}

// The stop token, the limit, and a callback that has enough.
void stopping() {
  ModelBytes m(3, 4, 1, 0, 2);
  m.out_row(1, 0) = 1, m.out_row(2, 2) = 0.1;  // token 2 wins from p * p / 10 > p on
  const Model model(m);
  CHECK((generate(model, {0}, 0, layers(0, 0, 3, 1)) == Tokens{0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2}));
  CHECK((generate(model, {0}, 3, layers(0, 0, 3, 1)) == Tokens{0, 1, 1}));
  ModelBytes endless(3, 4, 1, 0, 2);
  const Model forever(endless);
  tvm_run_result result{};
  result.size = sizeof result;
  const std::int32_t prompt = 1;
  const auto options = layers(0, 0, 3, 1);
  std::size_t seen = 0;
  const auto stop = [](void* user, const std::int32_t*, std::size_t count) -> std::int32_t {
    return (*static_cast<std::size_t*>(user) += count) >= 2000;
  };
  CHECK(tvm_generate(forever.model, &prompt, 1, 0, stop, &seen, &options, &result) == TVM_OK);
  CHECK(result.stopped == TVM_STOPPED_CALLBACK && result.tokens == seen && seen < 5000);
}

// Integer keys whose squares float64 rounds: every way still tells neighbours apart, up to 2^34;
// beyond, the table answers, and hull and scan say why they do not.
void key_limits() {
  for (const double base : {3e9, 3e10}) {
    ModelBytes m(3, 8, 2, 1, 2);
    for (int t = 0; t < 3; ++t) m.e(t, 3) = 1, m.e(t, 4) = base + t, m.e(t, 5) = base;
    m.gate(0, 0, 4) = 1, m.value(0, 0, 4) = 1, m.ffn(0, 6, 0) = 1;  // the key's square
    m.qkv(1, 0, 0, 0, 5) = 1, m.qkv(1, 0, 0, 1, 3) = 1, m.qkv(1, 1, 0, 0, 4) = 2, m.qkv(1, 1, 0, 1, 6) = -1;
    m.qkv(1, 1, 0, 1, 1) = 0.3, m.qkv(1, 2, 0, 0, 0) = 1;
    m.wout(1, 7, 0, 0) = 1;  // the newest position with token 0
    m.out_row(1, 0) = 1, m.out_row(1, 7) = -1, m.out_row(1, 3) = -0.5;  // token 1 when it is older
    const Model model(m);
    const Tokens tokens{0, 1, 1, 0, 0, 1, 0};
    for (const int attention : {TVM_ATTENTION_AUTO, TVM_ATTENTION_HULL, TVM_ATTENTION_SCAN}) {
      const auto options = layers(0, attention, attention == 0 ? TVM_BYPASS_ALL : TVM_BYPASS_NONE, 1);
      tvm_verify_result result{};
      result.size = sizeof result;
      Tokens predicted(6);
      const auto status = tvm_verify(model.model, tokens.data(), tokens.size(), 1, tokens.size(), predicted.data(), &options, &result);
      if (attention == TVM_ATTENTION_AUTO || base < 0x1p34) {
        CHECK(status == TVM_OK && (predicted == Tokens{0, 1, 1, 0, 0, 1}));
      } else {
        CHECK(status == TVM_ERROR_LIMIT);
        CHECK(std::strstr(tvm_last_error(), "layer 1, the integer key 30000000000 is beyond 2^34") != nullptr);
      }
    }
  }
}

void wrong_arguments() {
  const Model m(machine_like());
  const Tokens tokens{0, 1, 2};
  tvm_verify_result verified{};
  verified.size = sizeof verified;
  tvm_run_result run{};
  run.size = sizeof run;
  const auto refused = [&](const Tokens& t, std::size_t first, std::size_t last, const tvm_options* options, const char* part) {
    const bool right = tvm_verify(m.model, t.data(), t.size(), first, last, nullptr, options, &verified) == TVM_ERROR_ARGUMENT &&
                       std::strstr(tvm_last_error(), part) != nullptr;
    if (!right) std::fprintf(stderr, "%s\n", tvm_last_error());
    return right;
  };
  CHECK(refused(tokens, 0, 2, nullptr, "window 0 .. 2"));
  CHECK(refused(tokens, 2, 1, nullptr, "window"));
  CHECK(refused(tokens, 1, 4, nullptr, "window"));
  CHECK(refused({0, 12}, 1, 2, nullptr, "tokens position 1: token id 12"));
  CHECK(refused({-1}, 1, 1, nullptr, "token id -1"));
  tvm_options options = layers(0, 0, 4, 0);
  CHECK(refused(tokens, 1, 2, &options, "bypass is 4"));
  options = layers(0, 0, 0, -1);
  CHECK(refused(tokens, 1, 2, &options, "threads is -1"));
  options.size = 3;
  CHECK(refused(tokens, 1, 2, &options, "size field"));
  CHECK(tvm_verify(nullptr, tokens.data(), 3, 1, 2, nullptr, nullptr, &verified) == TVM_ERROR_ARGUMENT);
  CHECK(tvm_generate(m.model, tokens.data(), 0, 0, nullptr, nullptr, nullptr, &run) == TVM_ERROR_ARGUMENT);
  CHECK(tvm_generate(m.model, nullptr, 1, 0, nullptr, nullptr, nullptr, &run) == TVM_ERROR_ARGUMENT);
  CHECK(tvm_generate(m.model, tokens.data(), 1, 0, nullptr, nullptr, nullptr, nullptr) == TVM_ERROR_ARGUMENT);
  if (!has_blas) {
    options = layers(TVM_PROJECTION_BLAS, 0, 3, 1);
    CHECK(tvm_verify(m.model, tokens.data(), 3, 1, 2, nullptr, &options, &verified) == TVM_ERROR_UNSUPPORTED);
  }
}

void overflow() {
  ModelBytes m(2, 4, 1, 1, 1);
  m.e(0, 3) = 1e200;
  m.gate(0, 0, 3) = 1, m.value(0, 0, 3) = 1, m.ffn(0, 3, 0) = 1;
  m.out_row(0, 3) = 1;
  const Model model(m);
  const Tokens tokens{0, 0};
  tvm_verify_result result{};
  result.size = sizeof result;
  CHECK(tvm_verify(model.model, tokens.data(), 2, 1, 2, nullptr, nullptr, &result) == TVM_ERROR_LIMIT);
  CHECK(std::strstr(tvm_last_error(), "not finite") != nullptr);
}

// A process that has used threads may fork, and the child may run models.
void forked() {
#if defined(__unix__) || defined(__APPLE__)
  const Model m(machine_like());
  const Tokens tokens(1000, 3);
  const auto options = layers(0, 0, 3, 2);
  Tokens here, there;
  verify(m, tokens, 1, 1000, &here, options);
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    alarm(60);  // a hang is a failure
    verify(m, tokens, 1, 1000, &there, options);
    _exit(here == there ? 0 : 1);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
#endif
}

}  // namespace

int main() {
  combinations();
  order_of_sums();
  random_floats();
  windows_and_mismatches();
  stopping();
  key_limits();
  wrong_arguments();
  overflow();
  forked();
}
