// Kernels of random small machines: on traces, damaged ones and other prompts they give what the interpreter
// gives, errors included; so where a running sum comes to its bound. They are compiled as this program is,
// with its sanitizers.
//
//     test_kernel_random [first seed [kernels]]
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "kernel/runtime.hpp"
#include "random_machine.hpp"

namespace {

using tvm::kernel::kFirstEntered;
namespace fs = std::filesystem;

std::uint64_t covered = 0;  // positions of the traces that kernels were made of

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "tvm-kernel-XXXXXX").string();
    CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

struct Outcome {
  tvm_status status = TVM_OK;
  std::string error;
  Tokens tokens;
  std::uint64_t covered = 0;

  bool operator==(const Outcome& other) const {
    return status == other.status && error == other.error && tokens == other.tokens;
  }
};

std::int32_t collect(void* user, const std::int32_t* tokens, std::size_t count) {
  auto& all = *static_cast<Tokens*>(user);
  all.insert(all.end(), tokens, tokens + count);
  return 0;
}

Outcome generate(const Opened& model, int path, const Tokens& prompt, std::uint64_t limit) {
  Outcome out;
  tvm_run_result result{};
  result.size = sizeof result;
  const tvm_options how = Opened::options(path);
  out.status =
      tvm_generate(model.get(), prompt.data(), prompt.size(), limit, collect, &out.tokens, &how, &result);
  if (out.status != TVM_OK) out.error = tvm_last_error();
  out.covered = result.covered;
  return out;
}

// The prediction at every position; or the first token that is not what is predicted.
Outcome verify(const Opened& model, int path, const Tokens& tokens, bool all) {
  Outcome out;
  if (all) out.tokens.assign(tokens.size() - 1, -7);
  tvm_verify_result result{};
  result.size = sizeof result;
  const tvm_options how = Opened::options(path);
  out.status = tvm_verify(model.get(), tokens.data(), tokens.size(), 1, tokens.size(),
                          all ? out.tokens.data() : nullptr, &how, &result);
  if (out.status != TVM_OK) return out.error = tvm_last_error(), out;
  for (const std::int64_t number : {result.first_mismatch, std::int64_t{result.predicted}})
    out.tokens.push_back(static_cast<std::int32_t>(number));
  out.covered = result.covered;
  return out;
}

std::uint64_t same(const Opened& plan, const Opened& kernel, const Tokens& tokens) {
  std::uint64_t sum = 0;
  for (const bool all : {false, true}) {
    const Outcome found = verify(kernel, TVM_PATH_KERNEL, tokens, all);
    CHECK(found == verify(plan, TVM_PATH_PLAN, tokens, all));
    sum += found.covered;
  }
  const Tokens prompt(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(tokens.size() * 2 / 3));
  const Outcome found = generate(kernel, TVM_PATH_KERNEL, prompt, 120);
  CHECK(found == generate(plan, TVM_PATH_PLAN, prompt, 120));
  return sum + found.covered;
}

// Cut at any limit, a run has the tokens of a longer one, and counts the positions of these alone.
void at_limits(const Opened& plan, const Opened& kernel, const Tokens& prompt) {
  const Outcome whole = generate(plan, TVM_PATH_PLAN, prompt, 150);
  for (std::uint64_t limit = 1; limit <= whole.tokens.size(); ++limit) {
    const Outcome found = generate(kernel, TVM_PATH_KERNEL, prompt, limit);
    const auto end = whole.tokens.begin() + static_cast<std::ptrdiff_t>(limit);
    CHECK(found.status == TVM_OK && found.tokens == Tokens(whole.tokens.begin(), end));
    CHECK(found.covered <= prompt.size() + limit - 1 - kFirstEntered);
  }
}

// A kept run, piece by piece: some it writes and some it is given, and the border behind each.
class Kept {
 public:
  Kept(const Opened& model, int path, const Tokens& prompt) {
    const tvm_options how = Opened::options(path);
    CHECK(tvm_run_open(model.get(), prompt.data(), prompt.size(), &how, &run_) == TVM_OK);
  }
  ~Kept() { tvm_run_close(run_); }
  Kept(const Kept&) = delete;

  Tokens generate(std::uint64_t limit, tvm_status expected = TVM_OK) {
    Tokens piece;
    tvm_run_result result{};
    result.size = sizeof result;
    CHECK(tvm_run_generate(run_, limit, collect, &piece, &result) == expected);
    covered += result.covered;
    return piece;
  }
  bool verify(const Tokens& piece, tvm_status expected = TVM_OK) {
    tvm_verify_result result{};
    result.size = sizeof result;
    CHECK(tvm_run_verify(run_, piece.data(), piece.size(), &result) == expected);
    covered += result.covered;
    return result.ok != 0;
  }
  std::string border(std::uint64_t since) {
    std::string border;
    const auto take = [](void* user, const void* bytes, std::size_t size) {
      static_cast<std::string*>(user)->assign(static_cast<const char*>(bytes), size);
    };
    CHECK(tvm_run_save(run_, since, take, &border) == TVM_OK);
    return border;
  }
  // From what has changed since position(), with the tokens behind it.
  void restore(const std::string& border, const Tokens& more, tvm_status expected = TVM_OK) {
    CHECK(tvm_run_restore(run_, border.data(), border.size(), more.data(), more.size()) == expected);
  }
  std::uint64_t position() const { return tvm_run_position(run_); }

  std::uint64_t covered = 0;

 private:
  tvm_run* run_ = nullptr;
};

void in_pieces(const Opened& plan, const Opened& kernel, const Tokens& prompt, RandomMachine& random) {
  Kept by_plan(plan, TVM_PATH_PLAN, prompt), by_kernel(kernel, TVM_PATH_KERNEL, prompt);
  for (std::uint64_t last = 0; by_plan.position() < prompt.size() + 300; last = by_plan.position()) {
    const Tokens piece = by_plan.generate(static_cast<std::uint64_t>(random.between(1, 40)));
    if (random.between(0, 2) == 0)
      CHECK(by_kernel.verify(piece));
    else
      CHECK(by_kernel.generate(piece.size()) == piece);
    if (random.between(0, 1) == 0) CHECK(by_plan.border(last) == by_kernel.border(last));
  }
  // The kernel stands elsewhere than where a border leads.
  const std::uint64_t from = by_plan.position();
  CHECK(by_plan.position() == by_kernel.position());
  const Tokens piece = by_plan.generate(25);
  by_kernel.restore(by_plan.border(from), piece);
  CHECK(by_kernel.generate(100) == by_plan.generate(100));
}

void write_source(const Opened& model, const Tokens& trace, std::size_t prompt, const Folder& folder) {
  const tvm_kernel_trace made_of{trace.data(), trace.size(), prompt};
  const auto write = [](void* user, const char* name, const char* text) {
    std::ofstream(*static_cast<const Folder*>(user) / name) << text;
  };
  CHECK(tvm_model_kernel_source(model.get(), &made_of, 1, 1, write, const_cast<Folder*>(&folder)) == TVM_OK);
}

std::string compile(const Folder& folder) {
  const std::string made = (folder / "kernel.so").string();
  CHECK(std::system((TVM_COMPILE " " + (folder / "*.cpp").string() + " -o " + made).c_str()) == 0);
  return made;
}

// Whether there is a kernel of this machine: random ones may stop at once, or leave the plan.
bool model(std::uint64_t seed) {
  RandomMachine random(seed);
  random.choose_output();
  const Opened plan(random.machine.bytes), kernel(random.machine.bytes);
  // Any tokens, what they lead to, and any tokens again: generated ones soon repeat themselves.
  Tokens trace = random.tokens(150);
  const std::size_t prompt = trace.size();
  const Outcome run = generate(plan, TVM_PATH_PLAN, trace, 150);
  if (run.status != TVM_OK || run.tokens.size() < 150) return false;
  const Tokens more = random.tokens(150);
  trace.insert(trace.end(), run.tokens.begin(), run.tokens.end());
  trace.insert(trace.end(), more.begin() + 1, more.end());
  if (verify(plan, TVM_PATH_PLAN, trace, true).status != TVM_OK) return false;
  const Folder folder;
  write_source(plan, trace, prompt, folder);
  CHECK(tvm_model_load_kernel(kernel.get(), compile(folder).c_str()) == TVM_OK);
  covered += same(plan, kernel, trace);
  const Tokens start(trace.begin(), trace.begin() + static_cast<std::ptrdiff_t>(prompt));
  at_limits(plan, kernel, start);
  in_pieces(plan, kernel, start, random);
  for (int round = 0; round < 40; ++round) {
    Tokens damaged = trace;
    for (int i = random.between(1, 5); i > 0; --i)
      damaged[1 + random.index(damaged.size() - 1)] = random.between(0, random.machine.bytes.v - 1);
    same(plan, kernel, damaged);
    same(plan, kernel, random.tokens(300));
  }
  return true;
}

// Runs so long that the memory of their tokens is given back (2^22 of them), and that blocks whose calls
// nested would leave the stack.
void long_run(const Opened& plan, const Opened& kernel, const Tokens& prompt, std::uint64_t covered) {
  constexpr std::uint64_t kLong = 5000000;
  const Tokens trace(60000, 1);
  const Folder folder;
  write_source(plan, trace, prompt.size(), folder);
  CHECK(tvm_model_load_kernel(kernel.get(), compile(folder).c_str()) == TVM_OK);
  const Outcome found = generate(kernel, TVM_PATH_KERNEL, prompt, kLong);
  CHECK(found.tokens == Tokens(kLong, 1) && found.covered > covered);
}

// Each token asks for one far back, which is not in the prompt.
void far_back() {
  Machine m(12, 2);
  const int a = m.token_slot({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  const int at = m.token_slot({50000, 50010, 50020, 50030, 0, 0, 0, 0, 0, 0, 0, 0});
  m.output({{m.gather(0, {{at, 1}}, {{a, 1}}), 1}});
  long_run(Opened(m.bytes), Opened(m.bytes), Tokens(100, 1), 2500000);
}

// Each asks for one that a running sum leads to, which came since the memory of others was given back.
void not_so_far_back() {
  Machine m(12, 2);
  const int a = m.token_slot({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}), one = m.token_slot({0, 1});
  const int count = m.sum(0, {{one, 1}});
  m.output({{m.gather(1, {{count, 1}, {Machine::kOne, -1000}}, {{a, 1}}), 1}});
  long_run(Opened(m.bytes), Opened(m.bytes), Tokens(1100, 1), 4900000);
}

// Token 1 adds 1 to a running sum and is followed by itself; token 2 takes 1 away, and is so where the sum is
// far below 0.
Machine counter() {
  Machine m(12, 2);
  const int step = m.token_slot({0, 1, -1}), next = m.token_slot({0, 1, 1});
  const int total = m.sum(0, {{step, 1}});
  const int low = m.step(1, {{total, -1}, {Machine::kOne, -100}}, Machine::just(1));
  m.output({{next, 1}, {low, 1}});
  return m;
}

// The state of a run with another sum: the border's fourth number.
std::string with_sum(const std::string& border, std::int64_t sum) {
  std::size_t at = 0, begin = 0;
  for (int number = 0; number < 4; ++number)
    for (begin = at; (border[at++] & 128) != 0;) continue;
  std::string moved = border.substr(0, begin);
  auto zigzag = static_cast<std::uint64_t>(sum < 0 ? -2 * sum - 1 : 2 * sum);
  for (; zigzag >= 128; zigzag >>= 7) moved += static_cast<char>(zigzag | 128);
  moved += static_cast<char>(zigzag);
  return moved + border.substr(at);
}

// A running sum that comes to its bound, 2^31 steps: positions are read up to the one that it is reached at,
// by tapes and by a kernel, which does not look itself.
void sum_at_its_bound() {
  constexpr std::int64_t kBound = std::int64_t{1} << 31;
  const Machine m = counter();
  const Opened plan(m.bytes), kernel(m.bytes);
  Tokens trace(400, 1);
  trace.insert(trace.end(), 1000, 2);
  const Folder folder;
  write_source(plan, trace, 1000, folder);
  CHECK(tvm_model_load_kernel(kernel.get(), compile(folder).c_str()) == TVM_OK);
  for (const std::int32_t token : {1, 2}) {
    Tokens prompt(100, token);
    prompt[0] = trace[0];  // kernels are of one
    const std::string border = Kept(plan, TVM_PATH_PLAN, prompt).border(0);
    const auto before_bound = [&](std::int64_t left) {
      return with_sum(border, token == 1 ? kBound - left : left - kBound);
    };
    Kept(plan, TVM_PATH_PLAN, prompt).restore(before_bound(-1), {}, TVM_ERROR_ARGUMENT);
    for (const std::size_t left : {0, 1, 2, 50, 200})
      for (const int path : {TVM_PATH_PLAN, TVM_PATH_KERNEL}) {
        const auto at = [&](auto&& work) {
          Kept run(path == TVM_PATH_PLAN ? plan : kernel, path, prompt);
          run.restore(before_bound(static_cast<std::int64_t>(left)), {});
          CHECK(work(run));
          return run.covered;
        };
        const Tokens rest(left, token), beyond(left + 1, token);
        at([&](Kept& run) { return run.generate(left + 10, TVM_ERROR_LIMIT) == rest; });
        at([&](Kept& run) { return run.verify(beyond, TVM_ERROR_LIMIT) || true; });
        if (left == 0) continue;
        const std::uint64_t wrote = at([&](Kept& run) { return run.generate(left) == rest; });
        const std::uint64_t read = at([&](Kept& run) { return run.verify(rest); });
        CHECK(path == TVM_PATH_PLAN || left < 50 || std::min(wrote, read) > left / 2);
      }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  const std::uint64_t kernels = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 12;
  for (std::uint64_t made = 0; made < kernels; ++seed) made += model(seed);
  CHECK(covered > 200 * kernels);
  far_back();
  not_so_far_back();
  sum_at_its_bound();
}
