// Random small machines of all the patterns that the plan knows: gathers at random positions, keys that are
// absent, repeated or cleared, sums, steps, equalities, products, functions, slots used again after they were
// erased or cleared by weights: those of means, and late ones of the inputs, too. Values stay small enough
// for the layer path to be exact.
#pragma once

#include <algorithm>
#include <random>

#include "machine.hpp"

class RandomMachine {
 public:
  explicit RandomMachine(std::uint64_t seed)
      : random_(seed), machine(one_in(5) ? 80 : between(6, 14), kLayers, 72, 200) {
    if (one_in(2)) machine.scale = Machine::kOldScale;
    for (int i = between(1, 3); i > 0; --i) flags_.push_back(machine.token_slot(numbers(0, 1)));
    for (const int flag : flags_) add({{flag, 1}}, 1);
    add(Machine::position(), 200);
    for (int i = between(1, 3); i > 0; --i) add({{machine.token_slot(numbers(-3, 7)), 1}}, 7);
    const std::vector<double> key = numbers(-1, 3);
    std::vector<double> square;
    for (const double k : key) square.push_back(k * k);
    const int slot = machine.token_slot(key);
    add({{slot, 1}}, 3);
    keys_.push_back({{{slot, 1}}, {{machine.token_slot(square), 1}}});
    keys_.push_back({});
    if (one_in(3)) keys_.push_back({Machine::just(2), Machine::just(4)});
    for (int layer = 0; layer < kLayers; ++layer) {
      for (const auto& [slot, integer] : std::exchange(dying_, {}))
        machine.clear_by_head(layer, slot, integer);
      before_ = values_.size();
      for (int i = between(1, 4); i > 0 && machine.has_slots(14); --i) head(layer);
      machine.heads_are_complete();
      settled_ = values_.size();
      for (int i = between(2, 6); i > 0 && machine.has_slots(12) && machine.has_neurons(layer, 60); --i)
        neurons(layer);
      keys_.insert(keys_.end(), new_keys_.begin(), new_keys_.end());
      new_keys_.clear();
      machine.layer_is_complete();
      if (layer + 1 == kLayers) break;
      for (const int mean : std::exchange(means_, {})) clear(layer, mean, false);
      if (one_in(2) && values_.size() > 6) forget(layer);
      if (layer > 0 && one_in(5)) forget_input(layer, between(0, 2));
    }
    for (int slot = 0; begins_ && slot < machine.bytes.d; ++slot) machine.bytes.e(0, slot) = 0;
  }

 private:
  static constexpr int kLayers = 4;
  struct Value {
    Combo combo;  // of one slot
    double bound;
  };
  struct Key {
    Combo key, square;
  };
  std::mt19937_64 random_;
  const bool begins_ = between(1, 4) == 1;  // sequences begin with token 0, which has no embedding

 public:
  Machine machine;

  std::size_t index(std::size_t count) {
    return static_cast<std::size_t>(between(0, static_cast<int>(count) - 1));
  }
  int between(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  bool one_in(int n) { return between(1, n) == 1; }

  // The output reads one or two values, late ones more often.
  void choose_output() {
    Combo seen = pick(1e9, true).combo;
    if (one_in(2)) seen = plus(seen, pick(1e9, true).combo, between(0, 1) == 1 ? 1 : -1);
    machine.output(seen, between(-3, 0));
  }

  Tokens tokens(int length) {
    Tokens all;
    while (static_cast<int>(all.size()) < length) {
      const int size = between(1, 12), times = one_in(3) ? between(1, 6) : 1;
      Tokens piece;
      for (int i = 0; i < size; ++i) piece.push_back(between(0, machine.bytes.v - 1));
      if (one_in(3)) std::fill(piece.begin(), piece.end(), piece[0]);
      for (int i = 0; i < times; ++i) all.insert(all.end(), piece.begin(), piece.end());
    }
    all.resize(static_cast<std::size_t>(length));
    if (begins_) {
      std::replace(all.begin(), all.end(), 0, 1);
      all[0] = 0;
    }
    return all;
  }

 private:
  std::vector<double> numbers(int low, int high) {
    std::vector<double> all;
    for (int t = 0; t < machine.bytes.v; ++t) all.push_back(between(low, high));
    if (low < 0 && machine.bytes.v > 64)
      for (int t = 0; t < machine.bytes.v; ++t) all[static_cast<std::size_t>(t)] = t % 70 - 3;  // no class
    return all;
  }

  void add(const Combo& combo, double bound) { values_.push_back({combo, bound}); }
  void add(int slot, double bound) { add(Combo{{slot, 1}}, bound); }

  Value pick(double most, bool late = false) {
    for (int i = 0; i < 50; ++i) {
      const int last = static_cast<int>(values_.size()) - 1;
      const int first = late && !one_in(3) ? last / 2 : 0;
      const Value& value = values_[static_cast<std::size_t>(between(first, last))];
      if (value.bound <= most) return value;
    }
    return {{{flags_[0], 1}}, 1};
  }
  int flag() { return flags_[static_cast<std::size_t>(between(0, static_cast<int>(flags_.size()) - 1))]; }

  Combo query() {
    const Combo value = pick(1e5).combo;
    const int kind = between(0, 6);
    if (!position_ && (kind == 1 || kind == 2 || kind == 5)) return value;
    switch (kind) {
      case 0: return Machine::just(between(-2, 12));
      case 1: return plus(Machine::position(-between(0, 3)), {{flag(), 1.0 * between(-4, 0)}});
      case 2: return plus(Machine::position(), value, -1);
      case 3: return plus(value, Machine::just(between(-3, 3)));
      case 4: return {{flag(), 1.0 * between(-2, 6)}};
      case 5: return Machine::position(-between(0, 4));
      default: return value;
    }
  }

  void head(int layer) {
    const Value value = pick(1e5, true), other = pick(1e5);
    const int kind = between(0, 8);
    if (!position_ && (kind == 3 || kind == 8)) return;
    if ((!position_ || !squared_) && (kind < 3 || kind == 4)) return;
    switch (kind) {
      case 8: return count_or_mean(layer);
      case 0:
      case 1:
      case 2: {
        for (int i = one_in(4) ? 4 : 1; i > 0; --i) {
          const Combo where = i > 1 ? Machine::position(-i) : query();
          add(machine.gather(layer, where, value.combo, one_in(2) && machine.recency ? 0.3 : 0), value.bound);
        }
        return;
      }
      case 3:
        add(machine.passthrough(layer, plus(value.combo, other.combo)), value.bound + other.bound);
        return;
      case 4: {
        const int past = machine.gather(layer, Machine::position(-between(0, 2)), {{flag(), 1}});
        flags_.push_back(past);
        add(past, 1);
        return;
      }
      default: {
        const Key key = keys_[static_cast<std::size_t>(between(0, static_cast<int>(keys_.size()) - 1))];
        Combo clear;
        if (one_in(2)) clear = {{flag(), 1}};
        if (one_in(8)) clear = plus(clear, {{flag(), 1}});
        const Combo wanted = one_in(4) ? plus(key.key, Machine::just(between(-1, 1))) : query();
        const bool match = one_in(2);
        const int found =
            machine.lookup(layer, key.key, key.square, clear, wanted, value.combo, match ? key.key : Combo{});
        add(found, value.bound);
        if (match && !key.key.empty())
          add(machine.equal(layer, plus(wanted, {{found + 1, -1}}), {{found, 1}}), value.bound);
      }
    }
  }

  // A mean over the positions of a flag (of all, as long as there is none) times their number is a sum, and
  // so is twice that.
  void count_or_mean(int layer) {
    const int twice = between(1, 2);
    if (counts_.empty()) {
      counts_.push_back({flags_[0], sum(layer, {{flags_[0], 1}})});
      add(counts_.back().second, 200);
      return;
    }
    const auto [of, seen] = counts_[0];
    const int mean = one_in(2) ? machine.mean(layer, pick(1e3).combo, {{of, 1}}) : -1;
    const int average = mean >= 0 ? mean : machine.mean(layer, pick(1e3).combo);
    const Combo number = mean >= 0 ? Combo{{seen, 1}} : count();
    Combo gate;
    for (const auto& [slot, w] : number) gate.emplace_back(slot, w * twice);
    add(machine.product(layer, gate, {{average, 1}}), 6e5);
    means_.push_back(average);
  }
  // Seldom of two means, in one slot or in two.
  int sum(int layer, const Combo& value) {
    const int how = between(0, 5);
    const Combo other = how > 1 ? Combo{} : pick(1e3).combo;
    const int average = machine.mean(layer, plus(value, other));
    means_.push_back(average);
    Combo read = {{average, 1}};
    if (how == 0) machine.add_mean(layer, other, average, -1);
    if (how == 1) {
      means_.push_back(machine.mean(layer, other));
      read.emplace_back(means_.back(), -1);
    }
    return machine.product(layer, count(), read);
  }
  // Of the positions that a mean is over, if all tokens have the same key.
  Combo count() const { return Machine::position(begins_ ? 0 : 1); }

  void neurons(int layer) {
    const Value value = pick(1e4, true), gate = pick(1e4, true);
    const Combo shifted = plus(gate.combo, Machine::just(between(-4, 2)));
    switch (between(0, 13)) {
      case 0:
        if (const Value& early = values_[index(before_)]; position_ && early.bound <= 1e3)
          add(sum(layer, early.combo), 3e5);
        return;
      case 1: add(machine.step(layer, shifted, value.combo), value.bound); return;
      case 2: add(machine.equal(layer, shifted, value.combo), value.bound); return;
      case 3: add(machine.linear(layer, plus(value.combo, gate.combo, -1)), value.bound + gate.bound); return;
      case 4: {
        const Value small = pick(20);
        add(machine.product(layer, plus(small.combo, Machine::just(between(-2, 1))), value.combo),
            25 * value.bound);
        return;
      }
      case 5: {
        // Seldom one that this layer makes: its square is then that of what the slot held before.
        const Value root = one_in(30) ? pick(1e4, true) : values_[index(settled_)];
        if (root.bound > 1e4) return;
        new_keys_.push_back({root.combo, {{machine.square(layer, root.combo), 1}}});
        return;
      }
      case 6:
      case 9:
      case 10: {  // many cases of one number
        const Value number = pick(10, true);
        const int to = machine.slot();
        for (int i = -1; i < 9; ++i)
          machine.add_equal(layer, plus(number.combo, Machine::just(-i)), pick(10).combo, to, between(1, 3));
        add(to, 30);
        return;
      }
      case 7: {
        const Value number = pick(100, true);
        const int to = machine.slot(), low = between(-4, 2);
        double slope = 0;
        for (int i = 0; i < 20; ++i) {
          const double bend = i == 19 && one_in(2) ? -slope : between(0, 1) == 1 ? 1 - slope : -1 - slope;
          machine.neuron(layer, plus(number.combo, Machine::just(-low - i)), Machine::just(1), to, bend);
          slope += bend;
        }
        add(to, 120);
        return;
      }
      case 13: {  // many products of a few small numbers
        const Value few[] = {pick(10), pick(10), pick(10)};
        const int to = machine.slot();
        for (int i = 0; i < 16; ++i) {
          const Combo &a = few[between(0, 2)].combo, &b = few[between(0, 2)].combo;
          machine.neuron(layer, plus(plus(a, b, between(-1, 1)), Machine::just(between(-3, 1))),
                         one_in(3) ? Machine::just(1) : plus(b, a, between(-1, 1)), to, between(1, 2));
        }
        add(to, 1e4);
        return;
      }
      case 8: {  // a flag
        const int to = machine.step(layer, shifted, Machine::just(1));
        flags_.push_back(to);
        add(to, 1);
        return;
      }
      default: add(machine.product(layer, Machine::just(between(-1, 1)), value.combo), value.bound); return;
    }
  }

  // The slot is free for the layers after this one; a head of the next one may clear it. A neuron clears only
  // what the slot held before this layer's neurons.
  void clear(int layer, int slot, bool integer, bool before_neurons = true) {
    const int how = between(0, 2);
    if (how == 1 && position_)
      dying_.emplace_back(slot, integer);
    else if (how == 2 && before_neurons && machine.has_neurons(layer, 1))
      machine.clear_by_neuron(layer, slot);
    else
      machine.release(layer, slot);
  }

  void forget(int layer) {
    const std::size_t which = index(values_.size());
    const int slot = values_[which].combo[0].first;
    if (values_.size() < 8 || slot == 0 || flags_ == std::vector<int>{slot}) return;
    no_longer_read(slot);
    clear(layer, slot, true, which < settled_);
  }

  // From the next layer on, nothing reads the slot of the position, the recency or the squared position.
  void forget_input(int layer, int slot) {
    bool& still = slot == kPosition ? position_ : slot == kRecency ? machine.recency : squared_;
    if (!still || !dying_.empty()) return;
    still = false;
    no_longer_read(slot);
    clear(layer, slot, slot == kPosition);
  }

  void no_longer_read(int slot) {
    const auto reads = [&](const Combo& combo) {
      return std::any_of(combo.begin(), combo.end(), [&](const auto& term) { return term.first == slot; });
    };
    std::erase_if(values_, [&](const Value& value) { return reads(value.combo); });
    std::erase_if(keys_, [&](const Key& key) { return reads(key.key) || reads(key.square); });
    std::erase(flags_, slot);
    std::erase_if(counts_, [&](const auto& count) { return count.first == slot || count.second == slot; });
  }

  static constexpr int kPosition = 0, kRecency = 1;
  bool position_ = true, squared_ = true;
  std::vector<std::pair<int, bool>> dying_;  // heads of the next layer clear these; whether they are integers
  std::vector<int> means_;                   // slots of this layer's
  std::vector<Value> values_;
  std::vector<int> flags_;  // slots of 0 or 1
  std::vector<Key> keys_, new_keys_;
  std::vector<std::pair<int, int>> counts_;  // a flag of the token, and how many there were
  std::size_t before_ = 0, settled_ = 0;     // values that heads, that neurons of this layer can read
};
