// What the tests of runs share: a model through the C ABI, its runs, and a model that looks like a machine.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>

#include "opened.hpp"

inline std::mt19937_64 random_source(3);
inline int between(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_source); }

inline bool has_blas() { return std::strstr(tvm_build_info(), "\"blas\": null") == nullptr; }

inline tvm_options layers(int projection, int attention, int bypass, int threads) {
  tvm_options options;
  tvm_options_default(&options);
  options.path = TVM_PATH_LAYERS, options.projection = projection, options.attention = attention;
  options.bypass = bypass, options.threads = threads;
  return options;
}

inline std::int32_t collect(void* user, const std::int32_t* tokens, std::size_t count) {
  auto& all = *static_cast<Tokens*>(user);
  all.insert(all.end(), tokens, tokens + count);
  return 0;
}

inline Tokens generate(const Opened& m, const Tokens& prompt, std::uint64_t limit,
                       const tvm_options& options) {
  Tokens out;
  tvm_run_result result{};
  result.size = sizeof result;
  const auto status =
      tvm_generate(m.get(), prompt.data(), prompt.size(), limit, collect, &out, &options, &result);
  if (status != TVM_OK) std::fprintf(stderr, "%s\n", tvm_last_error());
  CHECK(status == TVM_OK && result.tokens == out.size() && result.cursor == -1);
  return out;
}

inline tvm_verify_result verify(const Opened& m, const Tokens& tokens, std::size_t first, std::size_t last,
                                Tokens* predicted, const tvm_options& options) {
  tvm_verify_result result{};
  result.size = sizeof result;
  if (predicted != nullptr) predicted->assign(last - first + 1, -7);
  const auto status = tvm_verify(m.get(), tokens.data(), tokens.size(), first, last,
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
inline ModelBytes machine_like(double scale = 0x1p34) {
  ModelBytes m(12, 24, 3, 8, 11);
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
      query(l, head), m.qkv(l, 0, head, 0, 0) = scale * between(0, 1),
                                           m.qkv(l, 0, head, 0, 4 + i) = scale * between(-3, 3);
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
      if (tie == 1)
        m.wout(l, 12, head, 0) = 1;
      else
        m.wout(l, 23, head, 0) = 1;
      ++head;
    }
    m.layers[static_cast<std::size_t>(l)].ffn_erase.push_back(23);
  }
  return m;
}
