// What the fuzz targets share: the entry point that libFuzzer (or replay.cpp) calls, and REQUIRE, which stops
// the program with the place and the condition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tvm.h"

#define REQUIRE(condition)                                                                           \
  do {                                                                                               \
    if (!(condition)) {                                                                              \
      std::fprintf(stderr, "%s:%d: not true: %s (last error: %s)\n", __FILE__, __LINE__, #condition, \
                   tvm_last_error());                                                                \
      std::abort();                                                                                  \
    }                                                                                                \
  } while (false)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
