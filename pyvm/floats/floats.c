/* The arithmetic of floats over integers: IEEE 754, to nearest, ties to even.
 *
 * Enters: the bits of floats.  Leaves: those of the result; a NaN that arithmetic makes is the
 * canonical positive one.  Each function has the name of the WebAssembly instruction that it stands
 * for.  None has data, and only those that print need a memory.
 */

#include "library/add.c"
#include "library/bits.h"
#include "library/compare.c"
#include "library/convert.c"
#include "library/divide.c"
#include "library/integers.c"
#include "library/multiply.c"
#include "library/pack.h"
#include "library/print.c"
#include "library/root.c"
#include "library/round.c"
