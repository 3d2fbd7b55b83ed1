// A system that has no more threads to give: runs go on with those there are, and say the same.
//
// pthread_create of this program stands before the C library's, for the C++ library and for OpenMP's as well.
#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>

#include "machine.hpp"
#include "runs.hpp"

namespace {

std::atomic<int> available{1 << 30};  // threads that may live at the same time, beside the first
std::atomic<int> refused{0};

struct Start {
  void* (*body)(void*);
  void* argument;
};

void* counted(void* given) {
  const Start start = *static_cast<Start*>(given);
  delete static_cast<Start*>(given);
  void* result = start.body(start.argument);
  ++available;
  return result;
}

}  // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* how, void* (*body)(void*),
                              void* argument) {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  if (--available < 0) {
    ++available, ++refused;
    return EAGAIN;
  }
  return create(thread, how, counted, new Start{body, argument});
}

namespace {

// The same tokens, however few threads there are, by a run that asks for five.
void check(const Opened& model, const Tokens& tokens, const tvm_options& how) {
  Tokens wanted, found;
  tvm_options alone = how;
  alone.threads = 1;
  available = 0;
  verify(model, tokens, 1, tokens.size(), &wanted, alone);
  for (int more = 0; more < 5; ++more, ++available) {
    refused = 0;
    verify(model, tokens, 1, tokens.size(), &found, how);
    CHECK(found == wanted);
    CHECK((refused > 0) == (more < 4));
  }
}

}  // namespace

int main() {
  check(Opened(machine_like()), Tokens(4000, 3),
        layers(TVM_PROJECTION_AUTO, TVM_ATTENTION_AUTO, TVM_BYPASS_ALL, 5));
  Machine m(3, 1, 12, 1);  // what came two positions before
  const int a = m.token_slot({0, 1, 2});
  m.output({{m.gather(0, Machine::position(-2), {{a, 1}}), 1}});
  // Long enough for five threads, each with a share (lib/plan/runs.cpp: 2^18 tokens).
  check(Opened(m.bytes), Tokens((std::size_t{5} << 18) + 1, 1), Opened::options(TVM_PATH_PLAN, 5));
}
