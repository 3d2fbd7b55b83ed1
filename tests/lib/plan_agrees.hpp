// Whether the plan gives the layer path's tokens for a small model, or refuses it.
#pragma once

#include <algorithm>
#include <cstdio>
#include <random>

#include "machine.hpp"

inline constexpr int kStop = 9;  // models have tokens 0 .. 9

enum class Expect { kEqual, kRefused, kEither };

inline void show(const char* name, const Tokens& tokens) {
  std::fprintf(stderr, "%s:", name);
  for (const auto token : tokens) std::fprintf(stderr, " %d", token);
  std::fprintf(stderr, "\n");
}

inline bool agrees(const char* name, const Machine& machine, const Tokens& tokens,
                   Expect expect = Expect::kEqual) {
  const Opened model(machine.bytes);
  Tokens by_layers, by_plan, found;
  CHECK(model.predict(tokens, TVM_PATH_LAYERS, by_layers) == TVM_OK);
  const tvm_status status = model.predict(tokens, TVM_PATH_PLAN, by_plan);
  // `auto` may leave the plan, but gives the tokens.
  const tvm_status automatic = model.predict(tokens, TVM_PATH_AUTO, found);
  const bool refused = status == TVM_ERROR_UNSUPPORTED || status == TVM_ERROR_LIMIT;
  if (refused && expect != Expect::kEqual)
    return automatic == (status == TVM_ERROR_LIMIT ? TVM_ERROR_LIMIT : TVM_OK) &&
           (automatic != TVM_OK || found == by_layers);
  if (status != TVM_OK) std::fprintf(stderr, "%s: status %d: %s\n", name, status, tvm_last_error());
  if (status != TVM_OK || expect == Expect::kRefused) return false;
  if (by_plan != by_layers) {
    show("tokens", tokens);
    show(name, by_layers);
    show("  plan", by_plan);
  }
  return by_plan == by_layers && automatic == TVM_OK && found == by_layers;
}

inline bool predicts(const Machine& machine, const Tokens& tokens, std::int32_t token) {
  const Opened model(machine.bytes);
  Tokens predicted;
  CHECK(model.predict(tokens, TVM_PATH_PLAN, predicted) == TVM_OK);
  return std::all_of(predicted.begin(), predicted.end(), [&](auto t) { return t == token; });
}

inline Tokens some_tokens(int length) {
  Tokens all;
  std::mt19937 random(5);
  for (int i = 0; i < length; ++i) all.push_back(static_cast<std::int32_t>(random() % kStop));
  return all;
}
