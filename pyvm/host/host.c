/* The host module: what WebAssembly programs import, as WebAssembly that is merged with them.

   Enters: the calls of wasi_snapshot_preview1 (its witx files say what each means) and env.abort;
   what a run gives the program, as environment.py writes it.  Leaves: bytes on the output and the
   error stream, an exit status, answers in the program's memory.

   Its own memory begins at `area()`, beyond all that the program can ever own: `state`, then the
   input.  The program's memory must trap where it ends, so that the area is only there between
   `enter` and `leave`.  What the program gave a pointer to is therefore touched outside of them.
   There is no data, no stack in memory and no table: the merge refuses all three.

   Build with `python -m pyvm.host`. */

/* One unit, so that the compiler sees what is called from one place only. */
#include "wasi/assemblyscript.c"
#include "wasi/descriptors.c"
#include "wasi/paths.c"
#include "wasi/process.c"
#include "wasi/state.h"
#include "wasi/streams.c"
