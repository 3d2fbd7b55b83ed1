// The program of run.c in C++20: the same steps, with owners that clean up.
//
//     run MODEL PROGRAM
#include <tvm.h>

#include <cstdint>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

struct Close {
  void operator()(tvm_model* model) const { tvm_model_close(model); }
};
using Model = std::unique_ptr<tvm_model, Close>;

void check(tvm_status status) {
  if (status != TVM_OK) throw std::runtime_error(tvm_last_error());
}

Model open(const char* path) {
  tvm_model* model = nullptr;
  check(tvm_model_open(path, &model));
  return Model(model);
}

std::vector<std::int32_t> read_program(const std::string& path, const tvm_model* model) {
  tvm_model_sizes sizes{};
  sizes.size = sizeof sizes;
  check(tvm_model_get_sizes(model, &sizes));
  std::unordered_map<std::string, std::int32_t> ids;
  for (std::int32_t id = 0; id < sizes.vocabulary; ++id) ids.emplace(tvm_model_token(model, id), id);
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + ": cannot be read");
  std::vector<std::int32_t> tokens;
  for (std::string word; file >> word;) {
    const auto found = ids.find(word);
    if (found == ids.end()) throw std::runtime_error(path + ": " + word + " is no token of the model");
    tokens.push_back(found->second);
  }
  return tokens;
}

// An exception must not leave a callback: it would cross C.
std::int32_t collect(void* user, const std::int32_t* tokens, std::size_t count) noexcept try {
  auto& all = *static_cast<std::vector<std::int32_t>*>(user);
  all.insert(all.end(), tokens, tokens + count);
  return 0;
} catch (...) {
  return 1;
}

std::int32_t count_a_thousand(void* user, const std::int32_t*, std::size_t count) noexcept {
  return (*static_cast<std::size_t*>(user) += count) >= 1000;
}

bool run(const char* model_path, const char* program) {
  const Model model = open(model_path);
  const auto prompt = read_program(program, model.get());
  auto all = prompt;
  tvm_run_result result{};
  result.size = sizeof result;
  check(tvm_generate(model.get(), prompt.data(), prompt.size(), 0, collect, &all, nullptr, &result));

  tvm_options two;
  tvm_options_default(&two);
  two.threads = 2;
  tvm_verify_result verified{};
  verified.size = sizeof verified;
  check(tvm_verify(model.get(), all.data(), all.size(), prompt.size(), all.size(), nullptr, &two, &verified));
  std::cout << result.tokens << " tokens generated, " << (verified.ok ? "every position ok" : "MISMATCH")
            << '\n';

  std::size_t seen = 0;
  check(
      tvm_generate(model.get(), prompt.data(), prompt.size(), 0, count_a_thousand, &seen, nullptr, &result));
  std::cout << "stopped by its callback: " << (result.stopped == TVM_STOPPED_CALLBACK ? "yes" : "no") << '\n';
  return verified.ok;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) return std::cerr << "usage: run MODEL PROGRAM\n", 2;
  return run(argv[1], argv[2]) ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
