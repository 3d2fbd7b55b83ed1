// The library's one exception: a status and one clear sentence. It never leaves the library: api/guard.hpp
// turns it into the returned status and tvm_last_error().
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <utility>

namespace tvm {

// What went wrong, as tvm.h tells it (tvm_status, by the same numbers).
enum class Status : std::int32_t {
  kArgument = 1,
  kFile,
  kModel,
  kMemory,
  kProgram,
  kLimit,
  kUnsupported,
  kInternal
};

class Error : public std::exception {
 public:
  Error(Status status, std::string message) : status_(status), message_(std::move(message)) {}
  Status status() const noexcept { return status_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  Status status_;
  std::string message_;
};

// Joins strings and numbers into one sentence.
inline std::string text_of(const char* s) { return s; }
inline std::string text_of(char* s) { return s; }
inline std::string text_of(const std::string& s) { return s; }
template <class Number>
std::string text_of(Number n) {
  return std::to_string(n);
}
template <class... Parts>
std::string sentence(const Parts&... parts) {
  return (text_of(parts) + ...);
}

}  // namespace tvm
