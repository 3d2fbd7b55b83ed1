// Builds model files for the tests: weights are set one by one or at random, trailers at will.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

struct ModelBytes {
  struct Layer {
    std::vector<double> qkv, out, in, ffn;
    std::vector<std::int32_t> attention_erase, ffn_erase;
  };
  std::int32_t v, d, h, f, stop;
  std::vector<std::string> tokens;
  std::vector<double> embedding, head;
  std::vector<Layer> layers;
  std::vector<std::int32_t> latest, kinds;  // empty: no such trailer
  bool erasures = false;
  std::string json;  // with `metadata`
  bool metadata = false;

  ModelBytes(int v_, int d_, int l, int f_, int stop_) : v(v_), d(d_), h(d_ / 2), f(f_), stop(stop_) {
    for (int i = 0; i < v; ++i) tokens.push_back("t" + std::to_string(i));
    embedding.assign(static_cast<std::size_t>(v * d), 0.0);
    head = embedding;
    const auto zeros = [](int n) { return std::vector<double>(static_cast<std::size_t>(n), 0.0); };
    for (int i = 0; i < l; ++i)
      layers.push_back({zeros(3 * d * d), zeros(d * d), zeros(2 * f * d), zeros(d * f), {}, {}});
  }

  double& e(int token, int slot) { return embedding[at(token, slot, d)]; }
  double& out_row(int token, int slot) { return head[at(token, slot, d)]; }
  // part 0 query, 1 key, 2 value; component 0 or 1
  double& qkv(int l, int part, int head_, int component, int slot) {
    return layers[static_cast<std::size_t>(l)].qkv[at(part * d + 2 * head_ + component, slot, d)];
  }
  double& wout(int l, int slot, int head_, int component) {
    return layers[static_cast<std::size_t>(l)].out[at(slot, 2 * head_ + component, d)];
  }
  double& gate(int l, int neuron, int slot) {
    return layers[static_cast<std::size_t>(l)].in[at(neuron, slot, d)];
  }
  double& value(int l, int neuron, int slot) {
    return layers[static_cast<std::size_t>(l)].in[at(f + neuron, slot, d)];
  }
  double& ffn(int l, int slot, int neuron) {
    return layers[static_cast<std::size_t>(l)].ffn[at(slot, neuron, f)];
  }

  std::vector<unsigned char> bytes() const {
    std::vector<unsigned char> out;
    const auto raw = [&](const void* data, std::size_t size) {
      const auto* p = static_cast<const unsigned char*>(data);
      out.insert(out.end(), p, p + size);
    };
    const auto i32 = [&](std::int32_t value) { raw(&value, 4); };
    const auto doubles = [&](const std::vector<double>& values) { raw(values.data(), values.size() * 8); };
    const auto ints = [&](const std::vector<std::int32_t>& values) { raw(values.data(), values.size() * 4); };
    for (const auto n : {v, d, static_cast<std::int32_t>(layers.size()), h, f, stop}) i32(n);
    for (const auto& word : tokens) {
      i32(static_cast<std::int32_t>(word.size()));
      raw(word.data(), word.size());
    }
    doubles(embedding);
    for (const auto& layer : layers)
      for (const auto* matrix : {&layer.qkv, &layer.out, &layer.in, &layer.ffn}) doubles(*matrix);
    doubles(head);
    const bool more = metadata || !kinds.empty();
    if (erasures || !latest.empty() || more) i32(erasures);
    if (erasures)
      for (const auto& layer : layers)
        for (const auto* slots : {&layer.attention_erase, &layer.ffn_erase}) {
          i32(static_cast<std::int32_t>(slots->size()));
          ints(*slots);
        }
    if (!latest.empty() || more) i32(!latest.empty());
    ints(latest);
    if (more) i32(!kinds.empty());
    ints(kinds);
    if (metadata) {
      std::uint32_t crc = ~0u;  // CRC-32, bit by bit
      const auto absorb = [&](const void* data, std::size_t size) {
        const auto* p = static_cast<const unsigned char*>(data);
        for (std::size_t i = 0; i < 8 * size; ++i) {
          const bool one = ((crc ^ (p[i / 8] >> i % 8)) & 1u) != 0;
          crc = crc >> 1 ^ (one ? 0xEDB88320u : 0u);
        }
      };
      absorb(out.data(), out.size());
      absorb(json.data(), json.size());
      raw("TVMX", 4);
      i32(1);
      const std::uint64_t length = json.size();
      raw(&length, 8);
      crc = ~crc;
      raw(&crc, 4);
      raw(json.data(), json.size());
    }
    return out;
  }

  template <class Random>
  static double uniform(Random& random, double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  }

 private:
  static std::size_t at(int row, int column, int columns) {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) +
           static_cast<std::size_t>(column);
  }
};
