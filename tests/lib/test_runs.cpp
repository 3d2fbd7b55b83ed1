// Generation and verification through the C ABI: chunk boundaries and windows change nothing, runs stop
// where they should, wrong arguments are refused, forks survive.
#include <optional>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "runs.hpp"

namespace {

void windows_and_mismatches() {
  const auto options = layers(0, 0, TVM_BYPASS_ALL, 2);
  Tokens tokens;
  std::optional<Opened> endless;  // a machine that does not stop for long
  while (tokens.size() < 9003) {
    endless.emplace(machine_like());
    tokens = {0, 3, 5};
    const Tokens generated = generate(*endless, tokens, 9000, options);
    tokens.insert(tokens.end(), generated.begin(), generated.end());
  }
  const Opened& m = *endless;
  for (const std::size_t size : {4u, 65u, 66u, 4096u, 4097u, 4098u, 5000u, 9003u}) {
    const Tokens part(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(size));
    const auto result = verify(m, part, 3, size, nullptr, options);
    CHECK(result.ok == 1 && result.checked == size - 3 && result.first_mismatch == -1 &&
          result.predicted == -1);
  }
  CHECK(verify(m, tokens, 3, 3, nullptr, options).checked == 0);
  for (const std::size_t at : {std::size_t{3}, tokens.size() / 2, tokens.size() - 1}) {
    Tokens damaged = tokens;
    damaged[at] = (damaged[at] + 1) % 11;
    const auto result = verify(m, damaged, 3, damaged.size(), nullptr, options);
    CHECK(result.ok == 0 && result.first_mismatch == static_cast<std::int64_t>(at) &&
          result.checked == at - 2);
    CHECK(result.expected == damaged[at] && result.predicted == tokens[at]);
    CHECK(verify(m, damaged, 3, at, nullptr, options).ok == 1);
    Tokens window, whole;
    verify(m, damaged, 1, damaged.size(), &whole, options);
    verify(m, damaged, at, damaged.size(), &window, options);
    CHECK(std::equal(window.begin(), window.end(), whole.begin() + static_cast<std::ptrdiff_t>(at) - 1));
  }
}

// The stop token, the limit, and a callback that has enough.
void stopping() {
  ModelBytes m(3, 4, 1, 0, 2);
  m.out_row(1, 0) = 1, m.out_row(2, 2) = 0.1;  // token 2 wins from p * p / 10 > p on
  const Opened model(m);
  CHECK((generate(model, {0}, 0, layers(0, 0, 3, 1)) == Tokens{0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2}));
  CHECK((generate(model, {0}, 3, layers(0, 0, 3, 1)) == Tokens{0, 1, 1}));
  ModelBytes endless(3, 4, 1, 0, 2);
  const Opened forever(endless);
  tvm_run_result result{};
  result.size = sizeof result;
  const std::int32_t prompt = 1;
  const auto options = layers(0, 0, 3, 1);
  std::size_t seen = 0;
  const auto stop = [](void* user, const std::int32_t*, std::size_t count) -> std::int32_t {
    return (*static_cast<std::size_t*>(user) += count) >= 2000;
  };
  CHECK(tvm_generate(forever.get(), &prompt, 1, 0, stop, &seen, &options, &result) == TVM_OK);
  CHECK(result.stopped == TVM_STOPPED_CALLBACK && result.tokens == seen && seen < 5000);
}

void wrong_arguments() {
  const Opened m(machine_like());
  const Tokens tokens{0, 1, 2};
  tvm_verify_result verified{};
  verified.size = sizeof verified;
  tvm_run_result run{};
  run.size = sizeof run;
  const auto refused = [&](const Tokens& t, std::size_t first, std::size_t last, const tvm_options* options,
                           const char* part) {
    const bool right = tvm_verify(m.get(), t.data(), t.size(), first, last, nullptr, options, &verified) ==
                           TVM_ERROR_ARGUMENT &&
                       std::strstr(tvm_last_error(), part) != nullptr;
    if (!right) std::fprintf(stderr, "%s\n", tvm_last_error());
    return right;
  };
  CHECK(refused(tokens, 0, 2, nullptr, "window 0 .. 2"));
  CHECK(refused(tokens, 2, 1, nullptr, "window"));
  CHECK(refused(tokens, 1, 4, nullptr, "window"));
  CHECK(refused({0, 12}, 1, 2, nullptr, "tokens position 1: token id 12"));
  CHECK(refused({-1}, 1, 1, nullptr, "token id -1"));
  tvm_options options = layers(0, 0, 4, 0);
  CHECK(refused(tokens, 1, 2, &options, "bypass is 4"));
  options = layers(0, 0, 0, -1);
  CHECK(refused(tokens, 1, 2, &options, "threads is -1"));
  options.size = 3;
  CHECK(refused(tokens, 1, 2, &options, "size field"));
  CHECK(tvm_verify(nullptr, tokens.data(), 3, 1, 2, nullptr, nullptr, &verified) == TVM_ERROR_ARGUMENT);
  CHECK(tvm_generate(m.get(), tokens.data(), 0, 0, nullptr, nullptr, nullptr, &run) == TVM_ERROR_ARGUMENT);
  CHECK(tvm_generate(m.get(), nullptr, 1, 0, nullptr, nullptr, nullptr, &run) == TVM_ERROR_ARGUMENT);
  CHECK(tvm_generate(m.get(), tokens.data(), 1, 0, nullptr, nullptr, nullptr, nullptr) == TVM_ERROR_ARGUMENT);
  if (!has_blas()) {
    options = layers(TVM_PROJECTION_BLAS, 0, 3, 1);
    CHECK(tvm_verify(m.get(), tokens.data(), 3, 1, 2, nullptr, &options, &verified) == TVM_ERROR_UNSUPPORTED);
  }
}

// A process that has used threads may fork, and the child may run models.
void forked() {
#if defined(__unix__) || defined(__APPLE__)
  const Opened m(machine_like());
  const Tokens tokens(1000, 3);
  const auto options = layers(0, 0, 3, 2);
  Tokens here, there;
  verify(m, tokens, 1, 1000, &here, options);
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    alarm(60);  // a hang is a failure
    verify(m, tokens, 1, 1000, &there, options);
    _exit(here == there ? 0 : 1);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
#endif
}

}  // namespace

int main() {
  windows_and_mismatches();
  stopping();
  wrong_arguments();
  forked();
}
