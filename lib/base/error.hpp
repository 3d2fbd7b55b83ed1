// The library's one exception: a status code and one clear sentence. It never leaves the library:
// api/guard.hpp turns it into the returned status and tvm_last_error().
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "tvm.h"

namespace tvm {

class Error : public std::exception {
 public:
  Error(tvm_status status, std::string message) : status_(status), message_(std::move(message)) {}
  tvm_status status() const noexcept { return status_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  tvm_status status_;
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
