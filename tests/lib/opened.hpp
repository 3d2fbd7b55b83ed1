// A model opened from bytes through the C ABI, and tokens.
#pragma once

#include <cstdio>

#include "check.hpp"
#include "model_bytes.hpp"
#include "tvm.h"

using Tokens = std::vector<std::int32_t>;
// As plans have them.
using NarrowTokens = std::vector<std::uint16_t>;

class Opened {
 public:
  explicit Opened(const ModelBytes& source) {
    const auto bytes = source.bytes();
    if (tvm_model_open_memory(bytes.data(), bytes.size(), &model_) != TVM_OK)
      std::fprintf(stderr, "%s\n", tvm_last_error());
    CHECK(model_ != nullptr);
  }
  ~Opened() { tvm_model_close(model_); }
  Opened(const Opened&) = delete;
  const tvm_model* get() const { return model_; }

  static tvm_options options(int path, int threads = 1) {
    tvm_options options;
    tvm_options_default(&options);
    options.path = path, options.threads = threads;
    if (path == TVM_PATH_LAYERS) {  // the network as written
      options.projection = TVM_PROJECTION_DENSE, options.attention = TVM_ATTENTION_SCAN;
      options.bypass = TVM_BYPASS_NONE;
    }
    return options;
  }

  // What is predicted for tokens[1 ..].
  tvm_status predict(const Tokens& tokens, int path, Tokens& predicted, int threads = 1) const {
    const tvm_options how = options(path, threads);
    tvm_verify_result result{};
    result.size = sizeof result;
    predicted.assign(tokens.size() - 1, -7);
    return tvm_verify(model_, tokens.data(), tokens.size(), 1, tokens.size(), predicted.data(), &how,
                      &result);
  }

 private:
  tvm_model* model_ = nullptr;
};
