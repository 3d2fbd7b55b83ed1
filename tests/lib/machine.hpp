// Small integer machines for the tests of the plan, built part by part: residual slots, heads and neurons
// are taken in the next free place of a layer.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>

#include "check.hpp"
#include "model_bytes.hpp"
#include "opened.hpp"

// A linear combination of slots.
using Combo = std::vector<std::pair<int, double>>;

inline Combo plus(Combo a, const Combo& b, double weight = 1) {
  for (const auto& [slot, w] : b) a.emplace_back(slot, w * weight);
  return a;
}

class Machine {
 public:
  static constexpr int kOne = 3;
  static constexpr double kScale = 17179869184.0;          // 2^34
  static constexpr double kOldScale = 14142135623.730951;  // 1e10 * sqrt(2)

  Machine(int vocabulary, int layers, int width = 64, int neurons = 160)
      : bytes(vocabulary, width, layers, neurons, vocabulary - 1),
        heads_(static_cast<std::size_t>(layers), 0),
        neurons_(static_cast<std::size_t>(layers), 0) {
    bytes.erasures = true;
    bytes.latest.assign(static_cast<std::size_t>(layers * width / 2), 1);
    for (int t = 0; t < vocabulary; ++t) bytes.e(t, kOne) = 1;
  }

  ModelBytes bytes;
  double scale = kScale;  // of queries
  bool recency = true;    // newer records lead: until slot 1 is cleared

  // One that is empty, or for an integer one that this layer's heads clear.
  int slot(bool empty = false) {
    for (auto* free : {&released_, &dying_}) {
      if (free->empty() || (empty && free == &dying_)) continue;
      const int to = free->back();
      free->pop_back();
      return to;
    }
    CHECK(next_slot_ < bytes.d);
    return next_slot_++;
  }
  bool has_slots(int count) const { return next_slot_ + count <= bytes.d; }

  // A slot that the embedding fills: values[token], repeated where there are fewer.
  int token_slot(const std::vector<double>& values) {
    const int to = slot();
    for (int t = 0; t < bytes.v; ++t) bytes.e(t, to) = values[static_cast<std::size_t>(t) % values.size()];
    return to;
  }

  static Combo position(double offset = 0) { return {{0, 1.0}, {kOne, offset}}; }
  static Combo just(double number) { return {{kOne, number}}; }

  // Heads: each returns the slot of a new value.
  int gather(int layer, const Combo& query, const Combo& value, double recency = 0) {
    const int head = next_head(layer, query);
    bytes.qkv(layer, 1, head, 0, 0) = 2;
    bytes.qkv(layer, 1, head, 1, 2) = -1;
    bytes.qkv(layer, 1, head, 1, 1) = recency;
    return output_of(layer, head, 0, value);
  }
  // The same, added to a slot that is in use.
  void add_gather(int layer, const Combo& query, const Combo& value, int to) {
    const int own = gather(layer, query, value);
    for (int head = 0; head < bytes.h; ++head)
      bytes.wout(layer, to, head, 0) += std::exchange(bytes.wout(layer, own, head, 0), 0.0);
  }
  // Two values of one lookup where `second` is not empty: the slots are neighbours.
  int lookup(int layer, const Combo& key, const Combo& square, const Combo& clear, const Combo& query,
             const Combo& value, const Combo& second = {}) {
    const int head = next_head(layer, query);
    for (const auto& [slot, w] : key) bytes.qkv(layer, 1, head, 0, slot) += 2 * w;
    for (const auto& [slot, w] : square) bytes.qkv(layer, 1, head, 1, slot) -= w;
    for (const auto& [slot, w] : clear) bytes.qkv(layer, 1, head, 1, slot) -= 1e30 * w;
    if (recency) bytes.qkv(layer, 1, head, 1, 1) = 0.3;
    if (second.empty()) return output_of(layer, head, 0, value);
    CHECK(has_slots(2));
    const int to = std::exchange(next_slot_, next_slot_ + 2);
    output(layer, head, 0, value, to);
    output(layer, head, 1, second, to + 1);
    return to;
  }
  int passthrough(int layer, const Combo& value) {
    const int to = slot();
    add_passthrough(layer, value, to);
    return to;
  }
  void add_passthrough(int layer, const Combo& value, int to, double weight = 1) {
    const int head = next_head(layer, {{0, 1}});
    bytes.qkv(layer, 1, head, 0, 0) = 2;
    bytes.qkv(layer, 1, head, 1, kOne) = 1;
    output(layer, head, 0, value, to, weight);
  }
  int mean(int layer, const Combo& value, const Combo& key = {{kOne, 1.0}}) {
    const int to = slot(true);
    add_mean(layer, value, to, 1, key);
    return to;
  }
  void add_mean(int layer, const Combo& value, int to, double weight, const Combo& key = {{kOne, 1.0}}) {
    const int head = next_head(layer, {});
    for (const auto& [slot, w] : key) bytes.qkv(layer, 1, head, 1, slot) += w;
    bytes.latest[static_cast<std::size_t>(layer * bytes.h + head)] = 0;
    output(layer, head, 0, value, to, weight);
  }

  // Neurons: weight * value * max(0, gate) is added to `to`.
  void neuron(int layer, const Combo& gate, const Combo& value, int to, double weight = 1) {
    const int n = neurons_[static_cast<std::size_t>(layer)]++;
    CHECK(n < bytes.f);
    for (const auto& [slot, w] : gate) bytes.gate(layer, n, slot) += w;
    for (const auto& [slot, w] : value) bytes.value(layer, n, slot) += w;
    bytes.ffn(layer, to, n) += weight;
  }
  bool has_neurons(int layer, int count) const {
    return neurons_[static_cast<std::size_t>(layer)] + count <= bytes.f;
  }
  int product(int layer, const Combo& gate, const Combo& value) {
    const int to = slot();
    neuron(layer, gate, value, to);
    return to;
  }
  int linear(int layer, const Combo& value) { return product(layer, just(1), value); }
  // value where gate >= 1, else 0
  void add_step(int layer, const Combo& gate, const Combo& value, int to, double weight = 1) {
    neuron(layer, gate, value, to, weight);
    neuron(layer, plus(gate, just(-1)), value, to, -weight);
  }
  int step(int layer, const Combo& gate, const Combo& value) {
    const int to = slot();
    add_step(layer, gate, value, to);
    return to;
  }
  // value where gate == 0, else 0
  void add_equal(int layer, const Combo& gate, const Combo& value, int to, double weight = 1) {
    neuron(layer, plus(gate, just(1)), value, to, weight);
    neuron(layer, gate, value, to, -2 * weight);
    neuron(layer, plus(gate, just(-1)), value, to, weight);
  }
  int equal(int layer, const Combo& gate, const Combo& value) {
    const int to = slot();
    add_equal(layer, gate, value, to);
    return to;
  }
  int square(int layer, const Combo& x) {
    const int to = product(layer, x, x);
    Combo negative;
    for (const auto& [slot, w] : x) negative.emplace_back(slot, -w);
    neuron(layer, negative, negative, to);
    return to;
  }
  // The sum of a value over all positions so far.
  int sum(int layer, const Combo& value) {
    const int average = mean(layer, value);
    const int to = product(layer, position(1), {{average, 1}});
    erase_after(layer, average);
    return to;
  }
  // Free for the layers after this one; call it when the layer is complete.
  void release(int layer, int slot) {
    erase_after(layer, slot);
    released_.push_back(slot);
  }
  // The same by weights. A head of the next layer that clears leaves the slot to what else its half adds;
  // call it before the heads that do.
  void clear_by_neuron(int layer, int slot) {
    neuron(layer, just(1), {{slot, 1}}, slot, -1);
    released_.push_back(slot);
  }
  void clear_by_head(int layer, int slot, bool integer) {
    add_passthrough(layer, {{slot, 1}}, slot, -1);
    (integer ? dying_ : cleared_).push_back(slot);
  }
  // What this layer's heads clear is free for its neurons, then for any use.
  void heads_are_complete() { move_all(cleared_, dying_); }
  void layer_is_complete() { move_all(dying_, released_); }
  void erase_after(int layer, int slot) {
    bytes.layers[static_cast<std::size_t>(layer)].ffn_erase.push_back(slot);
  }

  // Token t is predicted where the value is low + t, the first or last one where it is beyond.
  void output(const Combo& value, int low = 0) {
    std::fill(bytes.head.begin(), bytes.head.end(), 0.0);
    for (int t = 0; t < bytes.v; ++t) {
      for (const auto& [slot, w] : value) bytes.out_row(t, slot) += 2.0 * (low + t) * w;
      bytes.out_row(t, kOne) -= static_cast<double>(low + t) * (low + t);
    }
  }

 private:
  int next_head(int layer, const Combo& query) {
    const int head = heads_[static_cast<std::size_t>(layer)]++;
    CHECK(head < bytes.h);
    for (const auto& [slot, w] : query) bytes.qkv(layer, 0, head, 0, slot) += scale * w;
    bytes.qkv(layer, 0, head, 1, kOne) = scale;
    return head;
  }
  static void move_all(std::vector<int>& from, std::vector<int>& to) {
    to.insert(to.end(), from.begin(), from.end());
    from.clear();
  }
  void output(int layer, int head, int component, const Combo& value, int to, double weight = 1) {
    for (const auto& [slot, w] : value) bytes.qkv(layer, 2, head, component, slot) += w;
    bytes.wout(layer, to, head, component) = weight;
  }
  int output_of(int layer, int head, int component, const Combo& value) {
    const int to = slot();
    output(layer, head, component, value, to);
    return to;
  }

  std::vector<int> heads_, neurons_, released_, dying_, cleared_;
  int next_slot_ = kOne + 1;
};
