// The guard around every function of the C ABI: no exception passes, every failure leaves its
// sentence in the calling thread's last error. Also the checks that all entry points share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <stdexcept>

#include "base/error.hpp"
#include "tvm.h"

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace tvm {

static_assert(static_cast<int>(Status::kArgument) == TVM_ERROR_ARGUMENT &&
              static_cast<int>(Status::kFile) == TVM_ERROR_FILE &&
              static_cast<int>(Status::kModel) == TVM_ERROR_MODEL &&
              static_cast<int>(Status::kMemory) == TVM_ERROR_MEMORY &&
              static_cast<int>(Status::kProgram) == TVM_ERROR_PROGRAM &&
              static_cast<int>(Status::kLimit) == TVM_ERROR_LIMIT &&
              static_cast<int>(Status::kUnsupported) == TVM_ERROR_UNSUPPORTED &&
              static_cast<int>(Status::kInternal) == TVM_ERROR_INTERNAL);

// Copies into a fixed per-thread buffer: recording an error must not itself run out of memory.
void set_last_error(const char* message) noexcept;

// Not noexcept: a thread that ends inside a caller's callback (pthread_exit, as Python's threads do when the
// interpreter is gone) unwinds through here, and the C library ends the process when that is stopped.
template <class Function>
tvm_status guard(Function&& function) {
  try {
    function();
    return TVM_OK;
  } catch (const Error& error) {
    set_last_error(error.what());
    return static_cast<tvm_status>(error.status());
  } catch (const std::bad_alloc&) {
    set_last_error("memory ran out");
    return TVM_ERROR_MEMORY;
  } catch (const std::length_error&) {
    set_last_error("memory ran out: more was asked for than any machine has");
    return TVM_ERROR_MEMORY;
#if defined(__GLIBCXX__)
  } catch (const abi::__forced_unwind&) {
    throw;
#endif
  } catch (const std::exception& error) {
    set_last_error(error.what());
    return TVM_ERROR_INTERNAL;
  } catch (...) {
    set_last_error("an exception of unknown type was thrown inside the library");
    return TVM_ERROR_INTERNAL;
  }
}

// The same for a function that returns a string: NULL when it fails.
template <class Function>
const char* guard_text(Function&& function) {
  const char* text = nullptr;
  return guard([&] { text = function(); }) == TVM_OK ? text : nullptr;
}

inline void require(bool condition, const char* message) {
  if (!condition) throw Error(Status::kArgument, message);
}

// Structs of the ABI open with their size, so that they can grow at their end. The smallest size of each is
// that of its first version. A field that is added stands behind what was there.
template <class Struct>
inline constexpr std::size_t kSmallest = sizeof(Struct);
template <>
inline constexpr std::size_t kSmallest<tvm_model_sizes> = offsetof(tvm_model_sizes, kinds_stored);
template <>
inline constexpr std::size_t kSmallest<tvm_options> = offsetof(tvm_options, threads);
template <>
inline constexpr std::size_t kSmallest<tvm_run_result> = offsetof(tvm_run_result, exact);
template <>
inline constexpr std::size_t kSmallest<tvm_verify_result> = offsetof(tvm_verify_result, exact);

// The size before the newest field was added.
template <class Struct>
inline constexpr std::size_t kBefore = kSmallest<Struct>;
template <>
inline constexpr std::size_t kBefore<tvm_run_result> = offsetof(tvm_run_result, covered);
template <>
inline constexpr std::size_t kBefore<tvm_verify_result> = offsetof(tvm_verify_result, covered);

template <class Struct>
void require_size(const Struct* given, const char* name) {
  if (given == nullptr) throw Error(Status::kArgument, sentence(name, " is NULL"));
  if (given->size < kSmallest<Struct>)
    throw Error(Status::kArgument,
                sentence(name, ": the size field is ", given->size, ", expected ", sizeof(Struct), " (or ",
                         kSmallest<Struct>, " of an older header)"));
}

// How many bytes of a caller's struct are fields that both sides know. A caller's struct may be smaller than
// ours (an older header) or larger (a newer one).
template <class Struct>
std::size_t common_size(const Struct* given) {
  if (given->size >= sizeof(Struct)) return sizeof(Struct);
  return given->size >= kBefore<Struct> ? kBefore<Struct> : kSmallest<Struct>;
}

// Hands a result to the caller, who keeps the size that was passed in.
template <class Struct>
void give(Struct* given, Struct value) {
  value.size = given->size;
  std::memcpy(given, &value, common_size(given));
}

// What a caller set, on top of `defaults` for the fields that the caller's struct lacks.
template <class Struct>
Struct taken(const Struct* given, Struct defaults) {
  std::memcpy(&defaults, given, common_size(given));
  return defaults;
}

}  // namespace tvm
