/* What the compiler calls for setjmp and longjmp where it makes exceptions of them (LLVM's
   -wasm-enable-sjlj, from LLVM 19 on); C libraries that have it keep their own.

   A jmp_buf says which call of a function called setjmp (by an address of its own), and which of
   its calls that was, counted from 1.  longjmp throws a pair, which lies in the buffer: where it is
   caught, the compiler reads it, and asks whether the buffer is one of this call. */

#define WEAK __attribute__((weak))

struct jump {
  void *call;
  unsigned number;
  struct {
    struct jump *buffer;
    int value;
  } thrown;
};

WEAK void __wasm_setjmp(struct jump *buffer, unsigned number, void *call) {
  buffer->call = call;
  buffer->number = number;
}

/* 0: the buffer is not of this call. */
WEAK unsigned __wasm_setjmp_test(struct jump *buffer, void *call) {
  return buffer->call == call ? buffer->number : 0;
}

WEAK _Noreturn void __wasm_longjmp(struct jump *buffer, int value) {
  buffer->thrown.buffer = buffer;
  buffer->thrown.value = value ? value : 1;
  __builtin_wasm_throw(1, &buffer->thrown); /* the tag __c_longjmp */
}
