"""The machine: WebAssembly's integer core as a graph of the five primitives.

Enters: the vocabulary, and for a specialised machine the program.  Leaves: a `Graph`.

Every position is one byte of a value or one control token, so 32-bit arithmetic is byte arithmetic
with the carry in the token.  The page reads top to bottom as the data flows:

    running sums       cursor, stack depth, call depth
    operand stack      the top three values and where their bytes are, by depth
    instruction        opcode and immediate at the cursor (or folded in: specialize.py)
    dispatch           one neuron per opcode and case (dispatch.py): where the next byte comes from
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

from collections.abc import Sequence

from pyvm.graph import dispatch
from pyvm.graph.primitives import (
    AVERAGE,
    Expr,
    Fetch,
    FetchValue,
    Graph,
    Input,
    Linear,
    Persist,
    Reglu,
)
from pyvm.graph.specialize import ProgramTable, specialized_vocabulary
from pyvm.graph.token_points import EMBEDDED, embedding_columns, output_point
from pyvm.isa.tokens import VOCABULARY

# What running sums are kept higher by: far more than their rounding, and more than they can be.
LIFT = 1 << 32


class Builder:
    """Collects the persists of a machine in the order in which they are written down."""

    def __init__(self) -> None:
        self.position = Input("position")
        self.recency = Input("recency")
        self.position_sq = Input("position_sq")
        self.embedded = {name: Input(name) for name in EMBEDDED}
        self.one = self.embedded["one"]
        self.persists: list[Persist] = []

    def persist(self, name: str, expr: Linear, large: bool = False) -> Persist:
        """Keeps an expression of head outputs, or of products, in a slot."""
        dim = Persist(name, expr._expr(), large)
        self.persists.append(dim)
        return dim

    def gather(self, name: str, value: Linear, at: Linear) -> FetchValue:
        """The value at a position; positions before the first give the first."""
        fetch = Fetch(
            name,
            (value._expr(),),
            at._expr(),
            self.position._expr(),
            self.position_sq._expr(),
            Expr(),
        )
        return fetch.outputs()[0]

    def newest(
        self,
        name: str,
        values: Sequence[Linear],
        query: Linear,
        key: Linear,
        square: Linear,
        clear: Linear,
    ) -> tuple[FetchValue, ...]:
        """Values at the newest position among those whose key is nearest the query."""
        terms = (query._expr(), key._expr(), square._expr(), clear._expr())
        return Fetch(name, tuple(v._expr() for v in values), *terms).outputs()

    def running_sums(self, *terms: tuple[str, Linear]) -> list[Expr]:
        """Sums over all positions so far: the mean, times the number of positions."""
        zero, one = Expr(), self.one._expr()
        values = tuple(term._expr() for _, term in terms)
        means = Fetch(
            "mean " + ", ".join(n for n, _ in terms), values, zero, zero, zero, zero, AVERAGE
        )
        count = self.position + one
        sums = []
        for (name, _), mean in zip(terms, means.outputs(), strict=True):
            kept = self.persist(f"mean {name}", mean)
            sums.append((name, kept))
        # A mean is rounded, and so is the product.  Far from zero float64 has no room for that: the
        # sum is kept 2^32 higher, where numbers are multiples of 2^-20, and taken down by readers.
        lifted = LIFT * Reglu("one", one, one)
        return [
            self.persist(name, Reglu(name, kept._expr(), count) + lifted) - LIFT * one
            for name, kept in sums
        ]


def build_machine(program: ProgramTable | None = None) -> Graph:
    """The standard machine, or with `program` the machine that runs just this program."""
    b = Builder()
    e = b.embedded
    one, position = b.one, b.position

    # The last four bytes as a number, and its sign.
    previous = Fetch(
        "byte 1 back",
        (e["byte"]._expr(), e["top_bit"]._expr()),
        position - one,
        position._expr(),
        b.position_sq._expr(),
        Expr(),
    ).outputs()
    older = [b.gather(f"byte {i} back", e["byte"], position - i * one) for i in (2, 3, 4)]
    last_word = b.persist(
        "last_word", (1 << 24) * previous[0] + (1 << 16) * older[0] + (1 << 8) * older[1] + older[2]
    )
    last_sign = b.persist("last_sign", previous[1])

    # Bytes emitted since the newest token that is no byte, and whether that token is branch_taken.
    start_found, taken_found = b.newest(
        "last control token", (position, e["taken"]), Expr(), Expr(), Expr(), e["is_byte"]
    )
    value_start = b.persist("value_start", start_found)
    in_offset = b.persist("in_offset", taken_found)
    byte_index = b.persist("byte_index", Reglu("byte_index", position - value_start, one._expr()))

    stack_depth, call_depth = b.running_sums(
        ("stack_depth", e["stack_step"]), ("call_depth", e["call_step"])
    )
    offset = last_word - (1 << 32) * last_sign
    jump = b.persist("jump_offset", Reglu("jump_offset", offset, e["jump"]._expr()))
    (cursor_sum,) = b.running_sums(("cursor_sum", e["cursor_step"] + jump))

    # The operand stack: every push is found again by its depth. So are calls, by call depth.
    stack_square = b.persist(
        "stack_square", Reglu("stack_square", stack_depth._expr(), stack_depth._expr())
    )
    call_square = b.persist(
        "call_square", Reglu("call_square", call_depth._expr(), call_depth._expr())
    )
    first_byte = position - 4 * one

    def operand(name: str, below: int, *values: Linear) -> tuple[FetchValue, ...]:
        query = stack_depth - below * one
        return b.newest(name, values, query, stack_depth, stack_square, e["no_push"])

    top_word, top_at, top_sign = operand("stack top", 0, last_word, first_byte, last_sign)
    second_word, second_at, second_sign = operand(
        "stack second", 1, last_word, first_byte, last_sign
    )
    (third_at,) = operand("stack third", 2, first_byte)
    (call_at,) = b.newest("call", (first_byte,), call_depth, call_depth, call_square, e["no_call"])
    state = dispatch.MachineState(
        one=one._expr(),
        byte_index=byte_index._expr(),
        carry=e["carry"]._expr(),
        in_offset=in_offset._expr(),
        call_depth=call_depth._expr(),
        top=b.persist("top", top_word)._expr(),
        top_at=b.persist("top_at", top_at)._expr(),
        second=b.persist("second", second_word)._expr(),
        second_at=b.persist("second_at", second_at)._expr(),
        third_at=b.persist("third_at", third_at)._expr(),
        call_at=b.persist("call_at", call_at)._expr(),
        sign_difference=b.persist("sign_difference", second_sign - top_sign)._expr(),
    )

    # The instruction at the cursor.
    if program is None:
        # `}` counts as a step, so that the cursor is -1 inside the program: nothing executes there.
        opcode_at = 5 * cursor_sum - 4 * one
        point = Fetch(
            "opcode",
            (e["opcode_x"]._expr(), e["opcode_y"]._expr()),
            opcode_at,
            position._expr(),
            b.position_sq._expr(),
            Expr(),
        ).outputs()
        # The four bytes before the next opcode token (or the closing brace).
        immediate = b.gather("immediate", last_word, opcode_at + 5 * one)
        instruction = dispatch.Fetched(
            x=b.persist("fetched_x", point[0])._expr(),
            y=b.persist("fetched_y", point[1])._expr(),
            immediate=b.persist("immediate", immediate)._expr(),
            immediate_at=opcode_at + one,
        )
    else:
        instruction = program.instruction(b.persist, cursor_sum, one)

    chosen = dispatch.dispatch(state, instruction, position, b.persist)

    # The bytes that the value is made of: at most one is added, one added or subtracted.
    operand_byte = b.persist(
        "operand_byte",
        b.gather("byte A", e["byte"], chosen.byte_at)
        + b.gather("byte B added", e["byte"], chosen.added_at)
        - b.gather("byte B subtracted", e["byte"], chosen.subtracted_at),
    )
    found = b.newest(
        "cell",
        (e["byte"], e["top_bit"], chosen.key),
        chosen.key,
        chosen.key,
        chosen.key_square,
        chosen.cell_mode,
    )
    cell_byte = b.persist("cell_byte", found[0])
    cell_sign = b.persist("cell_sign", found[1])
    cell_key = b.persist("cell_key", found[2])

    # A byte of a cell counts only while reading, and when the key found is the key asked for.
    distance = chosen.key - cell_key + dispatch.FAR * (dispatch.READ * one - chosen.cell_mode)
    unsigned = dispatch.FAR * (one - chosen.signed_load)
    raw = chosen.value + operand_byte
    overflow = dispatch.step("overflow", one, raw - 255 * one)
    underflow = dispatch.step("underflow", one, -raw)
    value = b.persist(
        "value",
        dispatch.at_zero("cell_value", cell_byte, distance, one) - 256 * overflow + 256 * underflow,
    )
    mark = b.persist(
        "mark",
        overflow + underflow + dispatch.at_zero("cell_mark", cell_sign, distance + unsigned, one),
    )
    vocabulary = VOCABULARY if program is None else specialized_vocabulary()
    columns = embedding_columns(vocabulary)
    used = [n for n in EMBEDDED if program is None or n not in ("opcode_x", "opcode_y")]
    return Graph(
        vocabulary=vocabulary,
        embedding={e[name]: columns[name] for name in used},
        builtin=(b.position, b.recency, b.position_sq),
        persists=tuple(b.persists),
        token_type=chosen.token_type + mark,
        value=raw + value,
        points=tuple(output_point(token) for token in vocabulary),
    )
