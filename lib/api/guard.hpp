// The guard around every function of the C ABI: no exception passes, every failure leaves its
// sentence in the calling thread's last error. Also the checks that all entry points share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>

#include "api/error.hpp"

namespace tvm {

// Copies into a fixed per-thread buffer: recording an error must not itself run out of memory.
void set_last_error(const char* message) noexcept;

template <class Function>
tvm_status guard(Function&& function) noexcept {
  try {
    set_last_error("");
    function();
    return TVM_OK;
  } catch (const Error& error) {
    set_last_error(error.what());
    return error.status();
  } catch (const std::bad_alloc&) {
    set_last_error("memory ran out");
    return TVM_ERROR_MEMORY;
  } catch (const std::exception& error) {
    set_last_error(error.what());
    return TVM_ERROR_INTERNAL;
  } catch (...) {
    set_last_error("an exception of unknown type was thrown inside the library");
    return TVM_ERROR_INTERNAL;
  }
}

inline void require(bool condition, const char* message) {
  if (!condition) throw Error(TVM_ERROR_ARGUMENT, message);
}

// Structs of the ABI open with their size, so that they can grow at their end. A caller's struct
// may be larger than ours (a newer header): the fields that we do not know stay untouched.
template <class Struct>
void require_size(const Struct* given, const char* name) {
  if (given == nullptr) throw Error(TVM_ERROR_ARGUMENT, sentence(name, " is NULL"));
  if (given->size < sizeof(Struct)) {
    throw Error(TVM_ERROR_ARGUMENT,
                sentence(name, ": the size field is ", given->size, ", expected ", sizeof(Struct)));
  }
}

// Hands a result to the caller, who keeps the size that was passed in.
template <class Struct>
void give(Struct* given, Struct value) {
  value.size = given->size;
  *given = value;
}

}  // namespace tvm
