// tvm_trace: the rules of the token language, limits, errors, and (with an argument) its speed.
#include <cstring>

#include "check.hpp"
#include "tvm.h"
#include "words.hpp"

namespace {

const Words words;

struct Run {
  tvm_status status;
  std::string text;
  tvm_run_result result{};
  std::size_t calls = 0;
  std::size_t stop_after = 0;
};

std::int32_t collect(void* user, const std::int32_t* tokens, std::size_t count) {
  auto& run = *static_cast<Run*>(user);
  if (!run.text.empty()) run.text += ' ';
  run.text += words.decode({tokens, tokens + count});
  return ++run.calls == run.stop_after;
}

constexpr std::size_t kStandard = std::size(tvm::executor::kVocabulary);
constexpr std::size_t kBase = tvm::executor::kBaseTokens;

// In a vocabulary of the first `count` tokens.
Run trace(const std::string& prompt, std::uint64_t limit = 100000, std::size_t count = kStandard) {
  Run run;
  const auto ids = words.encode(prompt);
  run.result.size = sizeof run.result;
  run.status = tvm_trace(words.pointers.data(), static_cast<std::int32_t>(count), ids.data(), ids.size(),
                         limit, collect, &run, &run.result);
  return run;
}

void expect(const std::string& prompt, const std::string& tokens, std::size_t count = kStandard) {
  const Run run = trace(prompt, 100000, count);
  if (run.status != TVM_OK || run.text != tokens) {
    std::fprintf(stderr, "prompt  %s\nfound   %s\nwanted  %s\nerror   %s\n", prompt.c_str(), run.text.c_str(),
                 tokens.c_str(), tvm_last_error());
    std::exit(1);
  }
}

void refuse(const std::string& prompt, tvm_status status, const char* part) {
  const Run run = trace(prompt);
  if (run.status != status || std::strstr(tvm_last_error(), part) == nullptr) {
    std::fprintf(stderr, "prompt %s\nstatus %d, error: %s\n", prompt.c_str(), run.status, tvm_last_error());
    std::exit(1);
  }
}

std::string constant(const std::string& bytes) { return " i32.const " + bytes; }
const std::string kPush = " commit(+1,sts=1,bt=0) ";
const std::string kHalt = " halt 00 00 00 00 }";

void arithmetic() {
  expect("{ i32.const ff 00 00 80 i32.const 01 ff 00 80 i32.add 00 00 00 00" + kHalt,
         "ff 00 00 80" + kPush + "01 ff 00 80" + kPush + "00' 00' 01 00' commit(-1,sts=1,bt=0) halt");
  expect("{ i32.const 00 00 00 00 i32.const 01 00 00 00 i32.sub 00 00 00 00" + kHalt,
         "00 00 00 00" + kPush + "01 00 00 00" + kPush + "ff' ff' ff' ff' commit(-1,sts=1,bt=0) halt");
  expect("{ i32.const 05 00 00 00 i32.const ff ff ff ff i32.lt_s 00 00 00 00" + kHalt,
         "05 00 00 00" + kPush + "ff ff ff ff" + kPush + "00 00 00 00 commit(-1,sts=1,bt=0) halt");
  expect("{ i32.const 05 00 00 00 i32.const ff ff ff ff i32.lt_u 00 00 00 00" + kHalt,
         "05 00 00 00" + kPush + "ff ff ff ff" + kPush + "01 00 00 00 commit(-1,sts=1,bt=0) halt");
  expect("{ i32.const 01 00 00 00 i32.const 02 00 00 00 i32.const 00 00 00 00 select 00 00 00 00" + kHalt,
         "01 00 00 00" + kPush + "02 00 00 00" + kPush + "00 00 00 00" + kPush +
             "02 00 00 00 commit(-2,sts=1,bt=0) halt");
  expect("{ i32.const 41 01 00 00 output 00 00 00 00 i32.const 20 00 00 00 output 00 00 00 00" + kHalt,
         "41 01 00 00" + kPush + "out(A) 20 00 00 00" + kPush + "out(20) halt");
}

void memory() {
  const std::string store = "{ i32.const fe ff ff ff i32.const 80 81 82 83 i32.store ff 0f 00 00";
  const std::string stored =
      "fe ff ff ff" + kPush + "80 81 82 83" + kPush + "80 81 82 83 commit(-2,sts=0,bt=0) fe ff ff ff" + kPush;
  const std::string get = " i32.const fe ff ff ff ";
  const std::string done = " commit(+0,sts=1,bt=0) halt";
  expect(store + get + "i32.load ff 0f 00 00" + kHalt, stored + "80 81 82 83" + done, kBase);
  expect(store + get + "i32.load8_s ff 0f 00 00" + kHalt, stored + "80' ff' ff' ff'" + done, kBase);
  expect(store + get + "i32.load8_u ff 0f 00 00" + kHalt, stored + "80 00 00 00" + done, kBase);
  expect(store + get + "i32.load16_s ff 0f 00 00" + kHalt, stored + "80 81' ff' ff'" + done, kBase);
  expect(store + get + "i32.load16_u 01 10 00 00" + kHalt, stored + "82 83 00 00" + done, kBase);
  expect(store + get + "i32.load 00 10 00 00" + kHalt, stored + "81 82 83 00" + done, kBase);
  // The sum of address and offset does not wrap at 2^32; the base machine does not check it.
  expect(
      "{ i32.const 01 00 00 00 i32.const 07 00 00 00 i32.store8 00 00 00 00 i32.const ff ff ff ff "
      "i32.load8_u 02 00 00 00" +
          kHalt,
      "01 00 00 00" + kPush + "07 00 00 00" + kPush + "07 commit(-2,sts=0,bt=0) ff ff ff ff" + kPush +
          "00 00 00 00" + done,
      kBase);
  expect(
      "{ i32.const ff ff ff ff i32.const 01 02 00 00 i32.store16 ff ff ff ff i32.const ff ff ff ff "
      "i32.load ff ff ff ff" +
          kHalt,
      "ff ff ff ff" + kPush + "01 02 00 00" + kPush + "01 02 commit(-2,sts=0,bt=0) ff ff ff ff" + kPush +
          "01 02 00 00" + done,
      kBase);
  expect(store + get + "i32.load ff 0f 00 00" + kHalt,
         "fe ff ff ff" + kPush + "80 81 82 83" + kPush + "trap(out_of_bounds) halt");
  expect("{ i32.const fc ff ff ff i32.load 00 00 00 00" + kHalt,
         "fc ff ff ff" + kPush + "00 00 00 00" + done);
}

void standard() {
  expect(
      "{ i64.const ff ff ff ff i64.high 00 00 00 00 i64.const 01 00 00 00 i64.high 00 00 00 00 "
      "i64.add 00 00 00 00" +
          kHalt,
      "ff ff ff ff 00 00 00 00 commit(+1,sts=2,bt=0,skip=1) 01 00 00 00 00 00 00 00 "
      "commit(+1,sts=2,bt=0,skip=1) 00' 00' 00' 00' 01 00 00 00 commit(-1,sts=2,bt=0) halt");
  const std::string numbers = "{ i32.const fb ff ff ff i32.const 02 00 00 00 ";
  const std::string pushed = "fb ff ff ff" + kPush + "02 00 00 00" + kPush;
  const std::string done = " commit(-1,sts=1,bt=0) halt";
  expect(numbers + "i32.mul 00 00 00 00" + kHalt, pushed + "q1 q1 q1 q1 f6 ff ff ff" + done);
  expect(numbers + "i32.div_s 00 00 00 00" + kHalt, pushed + "q0 q0 q0 q2 fe' ff' ff' ff'" + done);
  expect(numbers + "i32.rem_s 00 00 00 00" + kHalt,
         pushed + "q0 q0 q0 q2 q0 q0 q0 q1 ff' ff' ff' ff'" + done);
  expect("{ i32.const 00 00 00 80 i32.const ff ff ff ff i32.div_s 00 00 00 00" + kHalt,
         "00 00 00 80" + kPush + "ff ff ff ff" + kPush + "trap(integer_overflow) halt");
  expect("{ data 05 00 00 00 i32.const 02 00 00 00 i32.load8_u 04 00 00 00" + kHalt +
             " 41 a commit(+0,sts=0,bt=0)",
         "02 00 00 00" + kPush + "61 00 00 00 commit(+0,sts=1,bt=0) halt");
  expect("{ i32.const 42 01 00 00 output_error 00 00 00 00 i32.const 03 00 00 00 exit 00 00 00 00 }",
         "42 01 00 00" + kPush + "err(B) 03 00 00 00" + kPush + "03 halt");
  const Run run = trace("{ trap 01 00 00 00 }");
  CHECK(run.text == "trap(unreachable) halt" && run.result.stopped == TVM_STOPPED_TOKEN);
  CHECK(run.result.cursor == 0 && run.result.instructions == 1);
  const Run cut = trace("{ trap 01 00 00 00 }", 1);
  CHECK(cut.text == "trap(unreachable)" && cut.result.stopped == TVM_STOPPED_LIMIT && cut.result.cursor == 0);

  // The base machine's vocabulary has none of these tokens, and one that has some lacks others.
  const Run base = trace("{ i32.mul 00 00 00 00 }", 100, kBase);
  CHECK(base.status == TVM_ERROR_PROGRAM && std::strstr(tvm_last_error(), "outside the vocabulary of 915"));
  const Run poor = trace("{ i32.mul 00 00 00 00 }", 100, tvm::executor::kScratch + 5);
  CHECK(poor.status == TVM_ERROR_PROGRAM &&
        std::strstr(tvm_last_error(), "needs the token 'q2040', which the vocabulary lacks"));
}

void control() {
  // call f; halt; f: return.  return's immediate is f - r - 1 = -1, minus the call's offset 1.
  expect("{ call 01 00 00 00 halt 00 00 00 00 return ff ff ff ff }",
         "branch_taken 01 00 00 00 call_commit branch_taken fe ff ff ff return_commit halt");
  // The subtraction borrows when the call's offset is larger bytewise: f at 300 is not needed, -1 - (-2).
  expect("{ br 01 00 00 00 return ff ff ff ff call fe ff ff ff" + kHalt,
         "branch_taken 01 00 00 00 commit(+0,sts=0,bt=1) branch_taken fe ff ff ff call_commit "
         "branch_taken 01 00 00 00 return_commit halt");
  expect(
      "{ i32.const 01 00 00 00 br_if 01 00 00 00 i32.eqz 00 00 00 00 i32.const 00 00 00 00 br_if fb ff ff "
      "ff" +
          kHalt,
      "01 00 00 00" + kPush + "branch_taken 01 00 00 00 commit(-1,sts=0,bt=1) 00 00 00 00" + kPush +
          "commit(-1,sts=0,bt=0) halt");
  // Locals live at their call depth and outlast the call; input lies in memory.
  expect(
      "{ input_base 10 00 00 00 i32.const 0f 00 00 00 i32.load8_u 02 00 00 00 local.set 3f 00 00 00 "
      "local.get 3f 00 00 00" +
          kHalt + " a b 00 commit(+0,sts=0,bt=0)",
      "0f 00 00 00" + kPush +
          "62 00 00 00 commit(+0,sts=1,bt=0) 62 00 00 00 commit(-1,sts=0,bt=0) 62 00 00 00" + kPush + "halt");
}

void limits() {
  const std::string loop = "{ br ff ff ff ff }";
  for (const std::uint64_t limit : {1, 5, 6, 7, 16383, 16384, 16385, 50000}) {
    const Run run = trace(loop, limit);
    CHECK(run.status == TVM_OK && run.result.stopped == TVM_STOPPED_LIMIT && run.result.tokens == limit);
    CHECK(run.result.cursor == 0);
  }
  const Run exact = trace("{" + constant("01 00 00 00") + kHalt, 6);
  CHECK(exact.result.stopped == TVM_STOPPED_TOKEN && exact.result.tokens == 6 && exact.result.cursor == 1);
  CHECK(exact.result.instructions == 2);
  const Run cut = trace("{" + constant("01 00 00 00") + kHalt, 5);
  CHECK(cut.result.stopped == TVM_STOPPED_LIMIT && cut.result.tokens == 5 && cut.result.cursor == 1);
  const Run inside = trace("{" + constant("01 00 00 00") + kHalt, 3);
  CHECK(inside.text == "01 00 00" && inside.result.cursor == 0);

  Run run;
  run.stop_after = 2;
  run.result.size = sizeof run.result;
  const auto ids = words.encode(loop);
  CHECK(tvm_trace(words.pointers.data(), static_cast<std::int32_t>(words.pointers.size()), ids.data(),
                  ids.size(), 0, collect, &run, &run.result) == TVM_OK);
  CHECK(run.result.stopped == TVM_STOPPED_CALLBACK && run.calls == 2);

  // An error beyond the limit is not reached; one before it comes after its tokens.
  CHECK(trace("{" + constant("01 00 00 00") + " }", 5).status == TVM_OK);
  const Run late = trace("{" + constant("01 00 00 00") + " }", 6);
  CHECK(late.status == TVM_ERROR_PROGRAM && late.text == "01 00 00 00 commit(+1,sts=1,bt=0)");
}

void errors() {
  refuse("i32.add", TVM_ERROR_PROGRAM, "prompt position 0: found 'i32.add' where '{' is expected");
  refuse("{ i32.const 01 00 }", TVM_ERROR_PROGRAM, "position 4: found '}' where an immediate byte");
  refuse("{ i32.const 01 00", TVM_ERROR_PROGRAM, "ends at position 4");
  refuse("{ }", TVM_ERROR_PROGRAM, "no instructions");
  refuse("{ i32.add 00 00 00 00 }", TVM_ERROR_PROGRAM, "instruction 0 (i32.add): needs 2");
  refuse("{ local.get 00 00 04 00 }", TVM_ERROR_PROGRAM, "an index is below 262144");
  refuse("{ local.get 05 00 00 00 }", TVM_ERROR_PROGRAM, "local 5 was never written");
  refuse("{ global.get 05 00 00 00 }", TVM_ERROR_PROGRAM, "global 5 was never written");
  refuse("{ global.get 00 00 04 00 }", TVM_ERROR_PROGRAM, "an index is below 262144");
  refuse("{ br 05 00 00 00 }", TVM_ERROR_PROGRAM, "instruction 0 (br): jumps to instruction 6");
  refuse("{ return 00 00 00 00 }", TVM_ERROR_PROGRAM, "no call is open");
  refuse("{ i32.const 00 00 00 00 }", TVM_ERROR_PROGRAM, "instruction 1: the cursor ran past");
  refuse("{ i32.const 00 00 00 00 input_base 00 00 00 00 }", TVM_ERROR_PROGRAM,
         "may only stand before all others");
  refuse("{ input_base 00 00 00 00 br fe ff ff ff } 00 commit(+0,sts=0,bt=0)", TVM_ERROR_PROGRAM,
         "cannot be executed");
  refuse("{ input_base 00 00 00 00 }", TVM_ERROR_PROGRAM, "ends at position");
  refuse("{ input_base 00 00 00 00 } 61 commit(+0,sts=0,bt=0)", TVM_ERROR_PROGRAM, "closing 00");
  refuse("{ halt 00 00 00 00 } 00", TVM_ERROR_PROGRAM, "begins with no input_base");
  refuse("{ halt a 00 00 00 }", TVM_ERROR_PROGRAM, "an immediate byte");  // aliases stand in inputs alone
  tvm_run_result result{};
  result.size = sizeof result;
  refuse("{ local.get 00 00 00 00 i64.local.get 00 00 00 00 }", TVM_ERROR_PROGRAM, "index of at least 1");
  refuse("{ i64.const 00 00 00 00 }", TVM_ERROR_PROGRAM, "i64.high is missing");
  refuse("{ trap 63 00 00 00 }", TVM_ERROR_PROGRAM, "no trap of this kind");
  refuse("{ data 00 00 00 00 halt 00 00 00 00 } 61", TVM_ERROR_PROGRAM, "ends at position 13");
  refuse("{ data 00 00 00 00 halt 00 00 00 00 } out(A)", TVM_ERROR_PROGRAM, "a byte or commit");
  const std::int32_t bad = 5000;
  const auto count = static_cast<std::int32_t>(words.pointers.size());
  CHECK(tvm_trace(words.pointers.data(), count, &bad, 1, 0, nullptr, nullptr, &result) == TVM_ERROR_PROGRAM);
  CHECK(tvm_trace(nullptr, count, &bad, 1, 0, nullptr, nullptr, &result) == TVM_ERROR_ARGUMENT);
  CHECK(tvm_trace(words.pointers.data(), count, nullptr, 1, 0, nullptr, nullptr, &result) ==
        TVM_ERROR_ARGUMENT);
  result.size = 4;
  CHECK(tvm_trace(words.pointers.data(), count, &bad, 1, 0, nullptr, nullptr, &result) == TVM_ERROR_ARGUMENT);
  refuse("{ call ff ff ff ff }", TVM_OK, "");  // limited by tokens, not by depth, in 100000 tokens
}

void speed() {
  const auto ids = words.encode(
      "{ i32.const 00 00 00 00 local.set 00 00 00 00 local.get 00 00 00 00 i32.const 01 00 00 00 i32.add 00 "
      "00 00 00 "
      "local.tee 00 00 00 00 i32.const 00 00 00 01 i32.lt_u 00 00 00 00 br_if f9 ff ff ff" +
      kHalt);
  tvm_run_result result{};
  result.size = sizeof result;
  tvm_trace(words.pointers.data(), static_cast<std::int32_t>(words.pointers.size()), ids.data(), ids.size(),
            400000000, nullptr, nullptr, &result);
  std::printf("%.1f million tokens/s\n", static_cast<double>(result.tokens) / result.seconds / 1e6);
}

}  // namespace

int main(int argc, char**) {
  arithmetic();
  memory();
  standard();
  control();
  limits();
  errors();
  if (argc > 1) speed();
}
