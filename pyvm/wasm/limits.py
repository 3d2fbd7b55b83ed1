"""How large a module may be: every bound on what the decoder and the compiler keep.

Enters: a count and its bound.  Leaves: nothing, or `Unsupported`.

A few bytes of a module can stand for very much: a count of locals, a type with a thousand
parameters that each call repeats, a table that each indirect call searches.  Each bound keeps a
hostile file of any size below about a gigabyte and some seconds, and is far above what compilers
make.
"""

from __future__ import annotations

from pyvm.isa.errors import Unsupported

# Entries of one section: each becomes an object of a few hundred bytes.
ENTRIES = 100_000
# Parameters or results of one type: each call, block and branch moves all of them.
TYPE_WORDS = 1_000
# Locals of one function, and of all functions together: a few bytes declare them, a list keeps
# them.
FUNCTION_LOCALS = 50_000
TOTAL_LOCALS = 1 << 22
# Instructions of all functions together: a byte of the file becomes an object of 100 bytes.
INSTRUCTIONS = 1 << 22
# Operands that lie on the stack of one function at a time, counted by the validator.
OPERANDS = 1 << 16
# Operands that all calls, blocks and branches of a module move: a pair of bytes can move thousands.
MOVED_OPERANDS = 1 << 25
# Elements of a table: each call_indirect is a search among them.
TABLE_ELEMENTS = 1 << 20
# Machine instructions of a program (5 tokens each), before the last rewrites: objects of about 250
# bytes each.  Also counted: operands that are kept for a branch, which will each be dropped there.
MACHINE_INSTRUCTIONS = 1 << 21
# Locals of a function times its branches: what is known of each local is kept for each branch.
# Beyond, nothing is known of them, and the code is a little longer.
FLOW_FACTS = 1 << 22
# Rows, files and characters of the line tables.  Beyond, there are no lines.
DEBUG_ROWS = 1 << 20
DEBUG_FILES = 1 << 16
DEBUG_NAME_BYTES = 1 << 12  # of one path: as long as a path can be
DEBUG_CHARACTERS = 1 << 26


def bounded(count: int, bound: int, what: str, at: int | None = None) -> None:
    """Raises Unsupported if there is more than the bound."""
    if count > bound:
        place = "" if at is None else f" at offset {at:#x}"
        raise Unsupported(f"{count:,} {what}{place}: pyvm takes at most {bound:,}")
