"""The standard machine's memory: copying and filling, growing, and passive segments.

Accesses trap by themselves where they lie beyond the memory.  What has to trap before anything is
written is therefore touched first: the last bytes, and an address that must not wrap around.
"""

from __future__ import annotations

from pyvm.compiler.routines.routine import Family, Routine, lines

# (size, offset) of the pieces that n = 0..7 bytes are made of, the highest first.
_PIECES = {
    n: [(size, n & ~(2 * size - 1)) for size in (1, 2, 4) if n & size] for n in range(8)
}  # fmt: skip
_WIDTH = {
    1: ("i32.load8_u", "i32.store8"),
    2: ("i32.load16_u", "i32.store16"),
    4: ("i32.load", "i32.store"),
}
_UNROLLED = 4  # groups of eight bytes
_STEP = 8 * _UNROLLED
_GROUPS = 4  # of eight bytes, which are copied without a loop


def _inside(*addresses: str) -> str:
    """Traps unless the addresses lie in the memory, or where it ends."""
    text = ""
    for i, address in enumerate(addresses):
        text += lines(
            f"local.get {address}; i32.eqz; br_if inside{i}",
            f"local.get {address}; i32.const -1; i32.add; i32.load8_u; drop; inside{i}:",
        )
    return text


def _moved(names: str, amount: int) -> str:
    return lines(*(f"local.get {n}; i32.const {amount}; i32.add; local.set {n}" for n in names))


def _last(name: str, address: str) -> str:
    """name = address + n - 8, the last eight bytes; traps where that wraps around."""
    return lines(
        f"local.get {address}; local.get n; i32.add; local.tee {name}",
        f"local.get {address}; i32.lt_u; br_if outside",
        f"local.get {name}; i32.const -8; i32.add; local.set {name}",
    )


def _small() -> str:
    """n below 8: a branch to the code of each n."""
    return lines("local.get n; br_table " + " ".join(f"small{n}" for n in range(8)) + " more")


def _more() -> str:
    """n below 40: a branch to the code of each number of whole groups."""
    return lines(
        f"more:; local.get n; i32.const {8 * _GROUPS + 8}; i32.ge_u; br_if large",
        "local.get n; i32.const 3; i32.shr_u",
        "br_table " + " ".join(f"group{max(n, 1)}" for n in range(_GROUPS + 1)),
    )


def _end_of(address: str) -> str:
    """Pushes the address of the last eight bytes."""
    return lines(f"local.get {address}; local.get n; i32.add; i32.const -8; i32.add")


def _copy() -> Routine:
    """All bytes of a short copy are read before any is written; of a long one, those that the
    groups of eight bytes leave over.
    """
    text = lines("local.set n; local.set s; local.set d") + _small()
    for n, pieces in _PIECES.items():
        text += f"small{n}:\n" + ("" if n else _inside("d", "s"))
        for size, offset in reversed(pieces):
            text += lines(f"local.get d; local.get s; {_WIDTH[size][0]} {offset}")
        for size, offset in pieces:
            text += f"{_WIDTH[size][1]} {offset}\n"
        text += "return\n"
    text += _more()
    for count in range(1, _GROUPS + 1):
        text += lines(f"group{count}:; local.get d; i64.load {8 * count - 8}; drop")
        for k in reversed(range(count)):
            text += lines(f"local.get d; local.get s; i64.load {8 * k}")
        text += _end_of("d") + _end_of("s") + lines("i64.load; i64.store")
        text += lines(*(f"i64.store {8 * k}" for k in range(count)), "return")
    text += lines("large:") + _last("to", "d") + _last("from", "s")
    text += lines("local.get to; i64.load; drop")
    text += lines("local.get d; local.get s; i32.sub; local.get n; i32.lt_u; br_if down")
    # Upwards: the last eight bytes wait on the stack.
    text += lines("local.get to; local.get from; i64.load")
    text += _groups("up", forward=True)
    text += lines("i64.store; return")
    # Downwards, from the last eight bytes on: the first eight wait.
    text += lines("down:; local.get d; local.get s; i64.load")
    text += _groups("down", forward=False)
    text += lines("i64.store; return; outside:; trap 4")
    return Routine(text)


def _groups(name: str, forward: bool) -> str:
    """Copies groups of eight bytes while any lie before (behind) the one that waits."""
    upper, lower = ("to", "d")
    text = lines(
        f"{name}4:; local.get {upper}; local.get {lower}; i32.sub",
        f"i32.const {_STEP}; i32.lt_u; br_if {name}1",
    )
    to, source = ("d", "s") if forward else ("to", "from")
    order = range(0, _STEP, 8) if forward else range(_STEP - 8, -1, -8)
    if forward:
        for offset in order:
            text += lines(
                f"local.get {to}; local.get {source}; i64.load {offset}; i64.store {offset}"
            )
        text += _moved_pair(to, source, _STEP)
    else:
        text += _moved_pair(to, source, -_STEP)
        for offset in order:
            at = offset + 8
            text += lines(f"local.get {to}; local.get {source}; i64.load {at}; i64.store {at}")
    text += lines(
        f"br {name}4; {name}1:; local.get {lower}; local.get {upper}; i32.ge_u; br_if {name}0",
        f"local.get {to}; local.get {source}; i64.load; i64.store",
    )
    return text + _moved_pair(to, source, 8 if forward else -8) + lines(f"br {name}1; {name}0:")


def _moved_pair(to: str, source: str, amount: int) -> str:
    return lines(
        *(f"local.get {x}; i32.const {amount}; i32.add; local.set {x}" for x in (to, source))
    )


def _fill() -> Routine:
    """From the last bytes on, which may trap."""
    text = lines(
        "local.set n; i32.const 255; i32.and; i64.extend_i32_u; i64.const 0x0101010101010101",
        "i64.mul; i64.local.set v; local.set d",
    )
    text += _small()
    for n, pieces in _PIECES.items():
        text += f"small{n}:\n" + ("" if n else _inside("d"))
        for size, offset in pieces:
            text += lines(f"local.get d; local.get v.low; {_WIDTH[size][1]} {offset}")
        text += "return\n"
    text += _more()
    for count in range(1, _GROUPS + 1):
        text += lines(f"group{count}:; local.get d; i64.load {8 * count - 8}; drop")
        text += _end_of("d") + lines("i64.local.get v; i64.store")
        for k in range(count):
            text += lines(f"local.get d; i64.local.get v; i64.store {8 * k}")
        text += "return\n"
    text += lines("large:") + _last("to", "d")
    text += lines("local.get to; i64.local.get v; i64.store")
    text += lines(
        f"fill4:; local.get to; local.get d; i32.sub; i32.const {_STEP}; i32.lt_u; br_if fill1"
    )
    for offset in range(0, _STEP, 8):
        text += lines(f"local.get d; i64.local.get v; i64.store {offset}")
    text += _moved("d", _STEP)
    text += lines("br fill4; fill1:; local.get d; local.get to; i32.ge_u; br_if fill0")
    text += lines("local.get d; i64.local.get v; i64.store") + _moved("d", 8)
    return Routine(text + lines("br fill1; fill0:; return; outside:; trap 4"))


def _init() -> Routine:
    """Copies from a segment, which lies beyond the program's memory: while it is read, the memory
    is as large as it can be.
    """
    text = lines(
        "local.set length; local.set segment; local.set n; local.set s; local.set d",
        "local.get n; local.get length; i32.gt_u; br_if outside",
        "local.get s; local.get length; local.get n; i32.sub; i32.gt_u; br_if outside",
        "local.get n; br_if some",
    )
    text += _inside("d") + lines("return; some:")
    text += lines(
        "local.get d; local.get n; i32.add; i32.const -1; i32.add; local.tee last",
        "local.get d; i32.lt_u; br_if outside; local.get last; i32.load8_u; drop",
        "memory.size; i32.const 65536; memory.resize",
        "local.get d; local.get segment; local.get s; i32.add; local.get n; call memory.copy",
        "memory.resize; return; outside:; trap 4",
    )
    return Routine(text)


def _grow() -> Routine:
    return Routine(
        lines(
            "local.set n; i32.const MAX_PAGES; memory.size; local.tee old; i32.sub",
            "local.get n; i32.lt_u; br_if refused",
            "local.get old; local.get n; i32.add; memory.resize; local.get old; return",
            "refused:; i32.const -1; return",
        )
    )


STANDARD: Family = {
    "memory.copy": _copy,
    "memory.fill": _fill,
    "memory.init": _init,
    "memory.grow": _grow,
}
