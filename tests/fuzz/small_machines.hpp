// Three machines small enough for thousands of runs a second, which together have what plans know: lookups
// with two values, keys that are cleared, gathers, sums, steps, equalities, functions, squares.
#pragma once

#include <vector>

#include "machine.hpp"

// What was written to the token's key last, and the token three positions ago.
inline Machine memory_machine() {
  Machine m(9, 1, 14, 2);
  const int a = m.token_slot({0, 1, 2, 3, 4, 5, 6, 7, 3}), odd = m.token_slot({0, 1});
  const int key = m.token_slot({0, 1, 2, 3}), square = m.token_slot({0, 1, 4, 9});
  const int clear = m.token_slot({0, 0, 0, 0, 0, 1});
  const int past = m.gather(0, Machine::position(-3), {{a, 1}});
  const int own = m.lookup(0, {{key, 1}}, {{square, 1}}, {{clear, 1}}, {{key, 1}}, {{odd, 1}}, {{a, 1}});
  const int late = m.step(0, {{past, 1}, {own, -1}}, {{own + 1, 1}});
  m.output({{past, 1}, {late, 1}});
  return m;
}

// How often each of two kinds of tokens came, compared, squared, and as a key.
inline Machine counting_machine() {
  Machine m(8, 2, 14, 4);
  const int odd = m.token_slot({0, 1}), third = m.token_slot({1, 0, 0});
  const int odds = m.sum(0, {{odd, 1}}), thirds = m.sum(0, {{third, 1}});
  const int squared = m.square(0, {{odds, 1}});
  const int same = m.equal(1, {{odds, 1}, {thirds, -1}}, {{odd, 1}, {Machine::kOne, 2}});
  const int found = m.lookup(1, {{odds, 1}}, {{squared, 1}}, {}, {{thirds, 1}}, {{0, 1}});
  const int back = m.gather(1, {{0, 1}, {thirds, -1}}, {{odd, 3}});
  m.output({{same, 1}, {back, 1}, {found, 1}, {0, -1}}, -2);
  return m;
}

// A function of a few bends of a gathered value.
inline Machine function_machine() {
  Machine m(8, 1, 8, 18);
  const int a = m.token_slot({0, 3, 1, 4, 1, 5, 2, 6});
  const int before = m.gather(0, Machine::position(-1), {{a, 1}});
  const int to = m.slot();
  for (int i = 0; i < 18; ++i)
    m.neuron(0, {{a, 1}, {before, 1}, {Machine::kOne, -i}}, Machine::just(1), to, i % 2 == 0 ? 2 : -3);
  m.output({{to, 1}});
  return m;
}

inline std::vector<ModelBytes> small_machines() {
  std::vector<ModelBytes> all;
  for (Machine machine : {memory_machine(), counting_machine(), function_machine()}) {
    machine.bytes.metadata = true, machine.bytes.json = "{}";
    all.push_back(machine.bytes);
  }
  return all;
}
