"""What names and numbers mean to the compiler of C: endings of files, levels, sizes of the stack.

Enters: nothing.  Leaves: constants; a size that was checked.
"""

from __future__ import annotations

from pyvm.isa.errors import ProgramError

# Bytes of the C stack.  It lies below everything else, so that the addresses of data, of the heap
# and of the compiler's cells grow with it.  The ABI aligns it to 16 bytes; the largest leaves half
# of the largest memory that can grow to the rest.
STACK_SIZE = 1 << 20
SMALLEST_STACK, LARGEST_STACK, STACK_ALIGNMENT = 256, 1 << 25, 16
CPLUSPLUS = (".cpp", ".cc", ".cxx", ".C", ".c++")  # how names of C++ files end
SOURCES = (".c", *CPLUSPLUS)
LEVELS = ("0", "1", "2", "3", "s", "z")  # of optimisation, as C compilers spell them


def check_stack_size(size: int) -> int:
    """The same size; raises ProgramError where the C stack cannot have it."""
    if not SMALLEST_STACK <= size <= LARGEST_STACK or size % STACK_ALIGNMENT:
        raise ProgramError(
            f"a C stack cannot have {size:,} bytes: its size is a multiple of {STACK_ALIGNMENT} "
            f"from {SMALLEST_STACK:,} to {LARGEST_STACK:,}"
        )
    return size
