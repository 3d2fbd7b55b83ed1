"""memory.copy, memory.fill and memory.init of the standard machine, against wasmtime, and what they
cost.
"""

# ruff: noqa: E501  (modules as text)

import pytest

from compiler.oracle import module, same, tokens_of, wat
from pyvm.compiler.compile import from_wasm
from pyvm.isa.errors import Unsupported

TEXT = "".join(chr(33 + i * 7 % 60) for i in range(180)).replace('"', "x").replace("\\", "y")
DATA = f'(data (i32.const 100) "{TEXT}")'
SHOW = "".join(f"(call $word (i32.load (i32.const {a})))" for a in range(60, 360, 4))
LENGTHS = (*range(10), 15, 16, 17, 23, 24, 31, 32, 33, 39, 40, 41, 63, 64, 65, 71, 100, 129)


def _calls(op: str, triples) -> bytes:
    function = (
        f"(func $f (param i32 i32 i32) (memory.{op} (local.get 0) (local.get 1) (local.get 2)))"
    )
    return module(
        "".join(
            f"(call $f (i32.const {a}) (i32.const {b}) (i32.const {c})) {SHOW}"
            for a, b, c in triples
        ),
        function + DATA,
    )


@pytest.mark.parametrize("distance", [0, 1, 3, 7, 8, 9, 31, 32, 33, 200])
def test_copy(distance):
    same(_calls("copy", [(100 + distance, 100, n) for n in LENGTHS]))
    same(_calls("copy", [(100, 100 + distance, n) for n in LENGTHS]))


def test_fill():
    same(_calls("fill", [(100 + n % 5, 0x1A0 + n, n) for n in LENGTHS]))


EDGES = [
    (to, source, n)
    for n in (0, 1, 7, 8, 9, 31, 40, 65536)
    for to, source in (
        (65536 - n, 0), (65537 - n, 0), (0, 65536 - n), (0, 65537 - n), (-n, 0), (0, -n), (-n - 1, 0), (0, 1 - n),
        (-8, -8), (65536, 65536), (65537, 0), (0, 65537), (-1, 0), (0, -1),
    )
]  # fmt: skip


@pytest.mark.parametrize("op", ["copy", "fill"])
@pytest.mark.parametrize("to, source, n", EDGES)
def test_nothing_is_written_before_a_trap(op, to, source, n):
    """The start function traps; then what is left is seen by nobody, so it is shown before."""
    function = (
        f"(func $f (param i32 i32 i32) (memory.{op} (local.get 0) (local.get 1) (local.get 2)))"
    )
    same(
        module(
            f"(call $f (i32.const {to}) (i32.const {source}) (i32.const {n})) {SHOW}",
            function + DATA,
        )
    )


@pytest.mark.parametrize(
    "n", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 100, 1000]
)
@pytest.mark.parametrize("op, most", [("copy", 12), ("fill", 12)])
def test_tokens(op, most, n):
    data = wat(
        f"""(module (memory 1) (func (export "f") (param i32 i32 i32)
        (memory.{op} (local.get 0) (local.get 1) (local.get 2))))"""
    )
    for to, source in ((100, 1000), (1000, 100), (100, 101), (101, 100)):
        assert tokens_of(data, "f", (to, source, n)) <= most * n + 150 + 12  # and f itself


SEGMENTS = '(data $p "0123456789abcdefghij") (data $q "") (data $active (i32.const 8) "xyz")'


@pytest.mark.parametrize(
    "body",
    [
        "(memory.init $p (i32.const 100) (i32.const 3) (i32.const 9))",
        "(memory.init $p (i32.const 100) (i32.const 0) (i32.const 20)) (memory.init $p (i32.const 104) (i32.const 1) (i32.const 5))",
        "(memory.init $p (i32.const 65536) (i32.const 20) (i32.const 0))",
        "(memory.init $p (i32.const 65516) (i32.const 0) (i32.const 20)) (call $word (i32.load (i32.const 65532)))",
        "(memory.init $q (i32.const 100) (i32.const 0) (i32.const 0))",
        "(memory.init $p (i32.const 100) (i32.const 3) (i32.const 2)) (data.drop $p) (memory.init $p (i32.const 100) (i32.const 0) (i32.const 0))",
        "(drop (memory.grow (i32.const 3))) (memory.init $p (i32.const 196600) (i32.const 3) (i32.const 8)) (call $word (i32.load (i32.const 196604)))",
        "(data.drop $q) (data.drop $active) (memory.init $active (i32.const 1) (i32.const 0) (i32.const 0))",
    ],
)
def test_init(body):
    same(module(body + SHOW, SEGMENTS))


@pytest.mark.parametrize(
    "body",
    [
        "(memory.init $p (i32.const 100) (i32.const 3) (i32.const 18))",
        "(memory.init $p (i32.const 100) (i32.const 21) (i32.const 0))",
        "(memory.init $p (i32.const 100) (i32.const -1) (i32.const 2))",
        "(memory.init $p (i32.const 65537) (i32.const 0) (i32.const 0))",
        "(memory.init $p (i32.const 65530) (i32.const 0) (i32.const 7))",
        "(memory.init $p (i32.const -1) (i32.const 0) (i32.const 2))",
        "(memory.init $q (i32.const 0) (i32.const 0) (i32.const 1))",
        "(data.drop $p) (memory.init $p (i32.const 100) (i32.const 0) (i32.const 1))",
        "(memory.init $active (i32.const 1) (i32.const 0) (i32.const 1))",
    ],
)
def test_init_traps(body):
    result = same(module(f"(call $out (i32.const 65)) {body}", SEGMENTS))
    assert (result.output, result.trap) == (b"A", 4)


def test_the_base_machine_has_no_passive_segments():
    data = module("(memory.init $p (i32.const 0) (i32.const 0) (i32.const 1))", SEGMENTS)
    with pytest.raises(
        Unsupported, match=r"memory.init in compute at offset 0x\w+: the base machine has no"
    ):
        from_wasm(data, machine="base")


def test_a_segment_lies_beyond_what_the_program_can_have():
    """Without a declared maximum growing fails one page before 4 GiB."""
    body = """(call $word (memory.grow (i32.const 65534))) (call $word (memory.size))
      (memory.init $p (i32.const 4294836224) (i32.const 0) (i32.const 4)) (call $word (i32.load (i32.const 4294836224)))"""
    same(module(body, SEGMENTS))
