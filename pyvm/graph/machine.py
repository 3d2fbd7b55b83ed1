"""The machine: WebAssembly's integer instructions as a graph of the five primitives.

Enters: which machine, and for a specialised one the program.  Leaves: a `Graph`.

Every position is one byte of a value or one control token, so arithmetic is byte arithmetic with
the carry in the token.  The page reads top to bottom as the data flows:

    running sums       cursor, stack depth, call depth
    operand stack      the top three values and where their bytes are, by depth
    instruction        opcode and immediate at the cursor (or folded in: specialize.py)
    dispatch           one neuron per opcode and case (dispatch.py): where the next byte comes from
    parts              what only the standard machine does, each in a file of its own
    bytes              gathered from where they were emitted, or looked up in the cells
    output             carry and sign; the next token's type and value

The *cells* are one store for memory, globals and locals: a cell has an integer key, the newest byte
written under a key counts, and a cell never written reads as zero.
    memory cell at address a     key a + 1
    global i, byte j             key -(4 i + 4) + j
    local i at call depth d      key -(1028 + 256 d + 4 i) + j
Key 0 belongs to no cell; whoever reads no cell asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyvm.graph import bits, control, dispatch
from pyvm.graph.count import count_value
from pyvm.graph.divide import Divider
from pyvm.graph.gates import FAR, NOTHING, Gates, at_zero, step
from pyvm.graph.multiply import product_value
from pyvm.graph.primitives import Expr, FetchValue, Graph, Linear, Persist, Reglu, total
from pyvm.graph.specialize import ProgramTable, specialized_vocabulary
from pyvm.graph.state import Builder, Cases, Fetched, MachineState
from pyvm.graph.token_points import BITS, Language, language
from pyvm.graph.wide import wide_comparison


def build_machine(machine: str = "standard", program: ProgramTable | None = None) -> Graph:
    """The "base" or the "standard" machine; with `program` the one that runs just this program."""
    tokens = language(machine)
    b = Builder(tokens.columns)
    last = _last_word(b)
    sums = _sums(b, last)
    state = _operands(b, last, sums)
    fetched = _instruction(b, last, sums, tokens, program)
    carry = b.embedded["carry"]._expr()
    gates = Gates(tokens, state.one, state.byte_index, fetched.x, fetched.y, carry)
    cases = dispatch.dispatch(state, fetched, gates)
    cell = _cell_address(b, cases)
    if machine == "standard":
        parts = _standard_parts(b, last, state, fetched, gates, cases, cell)
    else:
        parts = _Parts()
    token_type, value = _output(b, state, cases, cell, parts)
    vocabulary = tokens.vocabulary if program is None else specialized_vocabulary(tokens.vocabulary)
    columns = tokens.embedding_columns(vocabulary)
    read = {dim for dim in b.embedded.values() if program is None or dim.name[:7] != "opcode_"}
    return Graph(
        vocabulary=vocabulary,
        embedding={dim: columns[name] for name, dim in b.embedded.items() if dim in read},
        builtin=(b.position, b.recency, b.position_sq),
        persists=tuple(b.persists),
        token_type=token_type,
        value=value,
        points=tuple(tokens.output_point(token) for token in vocabulary),
    )


@dataclass(frozen=True)
class _Last:
    """The four bytes before a token as a number, and its sign; the three before it."""

    word: Persist
    sign: Persist
    three: Expr

    def with_byte(self, byte: Linear) -> Expr:
        """The number that ends in the token itself, a byte."""
        return self.three + (1 << 24) * byte._expr()


@dataclass(frozen=True)
class _Sums:
    """Bytes of the value so far, whether they are an offset, and the running sums."""

    byte_index: Persist
    in_offset: Persist
    cursor: Expr
    stack_depth: Expr
    call_depth: Expr


@dataclass
class _Parts:
    """What the parts of the standard machine add.

    byte: to the next byte, before its carry.  value: after it.  kind: to the type.
    """

    byte: Expr = NOTHING
    value: Expr = NOTHING
    kind: Expr = NOTHING


def _last_word(b: Builder) -> _Last:
    e, position = b.embedded, b.position
    sign, *bytes_ = (
        *b.gathered("byte 1 back", (e["top_bit"], e["byte"]), position - b.one),
        *(b.gather(f"byte {i} back", e["byte"], position - i * b.one) for i in (2, 3, 4)),
    )
    word = total((1 << 24 - 8 * i) * byte for i, byte in enumerate(bytes_))
    kept = b.persist("last_word", word), b.persist("last_sign", sign)
    if "wide" not in e:  # the base machine has no table
        return _Last(*kept, NOTHING)
    three = total((1 << 16 - 8 * i) * byte for i, byte in enumerate(bytes_[:3]))
    return _Last(*kept, b.persist("last_three", three)._expr())


def _sums(b: Builder, last: _Last) -> _Sums:
    e, one, position = b.embedded, b.one, b.position
    # Bytes emitted since the newest token that is no byte, and whether that token is branch_taken.
    start_found, taken_found = b.newest(
        "last control token", (position, e["taken"]), NOTHING, NOTHING, NOTHING, e["is_byte"]
    )
    value_start = b.persist("value_start", start_found)
    in_offset = b.persist("in_offset", taken_found)
    byte_index = b.persist("byte_index", Reglu("byte_index", position - value_start, one._expr()))
    stack_depth, call_depth = b.running_sums(
        ("stack_depth", e["stack_step"]), ("call_depth", e["call_step"])
    )
    offset = last.word - (1 << 32) * last.sign
    jump = b.persist("jump_offset", Reglu("jump_offset", offset, e["jump"]._expr()))
    (cursor,) = b.running_sums(("cursor_sum", e["cursor_step"] + jump))
    return _Sums(byte_index, in_offset, cursor, stack_depth, call_depth)


def _operands(b: Builder, last: _Last, sums: _Sums) -> MachineState:
    """The operand stack: every push is found again by its depth.  So are calls, by call depth."""
    e, one, depth, calls = b.embedded, b.one, sums.stack_depth, sums.call_depth
    stack_square, call_square = (
        b.persist(name, Reglu(name, dim._expr(), dim._expr()))
        for name, dim in (("stack_square", depth), ("call_square", calls))
    )
    first_byte = b.position - 4 * one
    pushed_at = first_byte - e["wide"] if "wide" in e else first_byte

    def operand(name: str, below: int, *values: Linear) -> tuple[FetchValue, ...]:
        query = depth - below * one
        return b.newest(name, values, query, depth, stack_square, e["no_push"])

    top, top_at, top_sign = operand("stack top", 0, last.word, pushed_at, last.sign)
    second, second_at, second_sign = operand("stack second", 1, last.word, pushed_at, last.sign)
    (third_at,) = operand("stack third", 2, pushed_at)
    (call_at,) = b.newest("call", (first_byte,), calls, calls, call_square, e["no_call"])

    def kept(name: str, value: Linear) -> Expr:
        return b.persist(name, value)._expr()

    words = {
        "top": kept("top", top),
        "top_at": kept("top_at", top_at),
        "second": kept("second", second),
        "second_at": kept("second_at", second_at),
    }
    if "no_size" in e:
        signs = {
            "top_sign": kept("top_sign", top_sign),
            "second_sign": kept("second_sign", second_sign),
        }
        signs["sign_difference"] = signs["second_sign"] - signs["top_sign"]
        pages, pages_at = b.newest(
            "memory size",
            (last.word + e["wide"], first_byte),
            NOTHING,
            NOTHING,
            NOTHING,
            e["no_size"],
        )
        signs |= {"pages": kept("pages", pages), "pages_at": kept("pages_at", pages_at)}
    else:
        signs = {"sign_difference": kept("sign_difference", second_sign - top_sign)}
    return MachineState(
        one=one._expr(),
        position=b.position._expr(),
        byte_index=sums.byte_index._expr(),
        in_offset=sums.in_offset._expr(),
        call_depth=calls._expr(),
        third_at=kept("third_at", third_at),
        call_at=kept("call_at", call_at),
        **words,
        **signs,
    )


def _instruction(
    b: Builder, last: _Last, sums: _Sums, tokens: Language, program: ProgramTable | None
) -> Fetched:
    """The instruction at the cursor."""
    e, one = b.embedded, b.one
    if program is not None:
        return program.instruction(tokens, b.persist, sums.cursor, one)
    # `}` counts as a step, so that the cursor is -1 inside the program: nothing executes there.
    opcode_at = 5 * sums.cursor - 4 * one
    x, y = b.gathered("opcode", (e["opcode_x"], e["opcode_y"]), opcode_at)
    # The four bytes before the next opcode token (or the closing brace).
    immediate = b.gather("immediate", last.word, opcode_at + 5 * one)
    return Fetched(
        x=b.persist("fetched_x", x)._expr(),
        y=b.persist("fetched_y", y)._expr(),
        immediate=b.persist("immediate", immediate)._expr(),
        immediate_at=opcode_at + one,
    )


@dataclass(frozen=True)
class _Cell:
    """The cell that is read or written."""

    key: Persist
    square: Persist
    mode: Persist
    signed: Persist


def _cell_address(b: Builder, cases: Cases) -> _Cell:
    return _Cell(
        key=b.persist("key", total(cases.key)),
        square=b.persist("key_square", total(cases.square), large=True),
        mode=b.persist("cell_mode", total(cases.mode)),
        signed=b.persist("signed_load", total(cases.signed)),
    )


def _standard_parts(
    b: Builder, last: _Last, s: MachineState, i: Fetched, g: Gates, cases: Cases, cell: _Cell
) -> _Parts:
    """Everything that the base machine does not have; adds its cases to those of dispatch.py."""
    control.jumps(cases, s, i, g)
    divider = Divider(b, s, g)
    cases.kind += [control.bounds(s, i, g), divider.kind()]
    cases.value += [-1 * g.carried(row) for row in divider.rows]
    clear = b.persist("table_mode", total(cases.table))
    entry_type = last.with_byte(b.embedded["byte"])
    entry = b.newest(
        "table", (entry_type, b.position, cell.key), cell.key, cell.key, cell.square, clear
    )
    count = bits.shift_count(b, s, g)
    found = bits.bit_cases(s, g, count)
    parts = _Parts(
        byte=divider.byte(),
        kind=control.elements(b, found, s, i, g, cell.key, entry),
        value=divider.value()
        + product_value(b, s, g)
        + count_value(b, s, g, count[0] + 8 * count[1] + 32 * count[2])
        + wide_comparison(b, s, g, last.word)
        + control.clamped(b, cases, s, i, g),
    )
    names = [b.embedded[name] for name in BITS]
    low, high = (
        bits.kept_bits(b, name, b.gathered(name, names, b.persist(f"{name} at", total(at))))
        for name, at in (("byte A", found.low_at), ("byte H", found.high_at))
    )
    amount, logic = b.persist("amount", total(found.amount)), b.persist("logic", total(found.logic))
    parts.value += b.persist("filled", total(found.filled))
    parts.value += b.persist("bits", bits.bit_value(low, high, amount, logic, s.one))
    sign = Reglu("sign of A", low[7], cell.signed._expr())
    parts.kind += b.persist("sign of A", sign)
    return parts


def _output(
    b: Builder, s: MachineState, cases: Cases, cell: _Cell, parts: _Parts
) -> tuple[Expr, Expr]:
    """The type and the value of the next token."""
    e, one = b.embedded, s.one
    direct = b.persist("direct_value", total(cases.value))
    base_type = b.persist("base_type", total(cases.kind))
    # The bytes that the value is made of: at most one is added, one added or subtracted.
    at = {
        name: b.persist(name, total(getattr(cases, name)))
        for name in ("byte_at", "added_at", "subtracted_at")
    }
    operand_byte = b.persist(
        "operand_byte",
        b.gather("byte", e["byte"], at["byte_at"])
        + b.gather("byte added", e["byte"], at["added_at"])
        - b.gather("byte subtracted", e["byte"], at["subtracted_at"]),
    )
    values = (e["byte"], e["top_bit"], cell.key)
    found_cell = b.newest("cell", values, cell.key, cell.key, cell.square, cell.mode)
    cell_byte, cell_sign, cell_key = (
        b.persist(name, value)
        for name, value in zip(("cell_byte", "cell_sign", "cell_key"), found_cell, strict=True)
    )
    # A byte of a cell counts only while reading, and when the key found is the key asked for.
    distance = cell.key - cell_key + FAR * (dispatch.READ * one - cell.mode)
    unsigned = FAR * (one - cell.signed)
    raw = direct + operand_byte + parts.byte
    overflow = step("overflow", one, raw - 255 * one)
    underflow = step("underflow", one, -raw)
    found = at_zero("cell_value", cell_byte, distance, one)
    sign = at_zero("cell_mark", cell_sign, distance + unsigned, one)
    token_type = base_type + b.persist("mark", overflow + underflow) + b.persist("cell_mark", sign)
    wrapped = b.persist("wrapped", 256 * underflow - 256 * overflow)
    value = raw + wrapped + b.persist("cell_value", found)
    return token_type + parts.kind, value + parts.value
