"""Labels of model files are whatever a stranger wrote: refused in a sentence, or shown escaped."""

from __future__ import annotations

import copy
import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from pyvm.cli import main
from pyvm.engine.errors import ModelError
from pyvm.engine.model import Model
from pyvm.isa.traps import Trap, TrapSite
from pyvm.weights import machine_model
from pyvm.weights.model_file import MAGIC, ModelFile, ModelFileError

EVIL = "\x1b]0;owned\x07\r\n\x9b2J\u202e\ud800"
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 10**6, 2**63, 10**30, 1.5, "", "x", EVIL, [], [None], [[]], [[[]]], {},
    {"a": 1},
)  # fmt: skip


def with_text(front: bytes, text: bytes) -> bytes:
    """A model file with any bytes as its JSON block."""
    checksum = zlib.crc32(text, zlib.crc32(front))
    return front + MAGIC + struct.pack("<IQI", 1, len(text), checksum) + text


@pytest.fixture(scope="module")
def model_file() -> ModelFile:
    """The base machine: the smaller one."""
    return machine_model("base")


@pytest.fixture(scope="module")
def front(model_file) -> bytes:
    return replace(model_file, metadata=None).to_bytes()


def mutations(good: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every place of the labels replaced by every value, and what is no such JSON at all."""
    places: list[tuple[Any, ...]] = [
        (), ("builder",), ("slots",), ("slots", 0), *(("slots", 4, i) for i in range(4)),
        ("heads",), ("heads", 1), ("heads", 1, 3), ("neurons",), ("neurons", 2), ("neurons", 2, 5),
        ("another",),
    ]  # fmt: skip
    for place in places:
        for value in VALUES:
            changed: Any = copy.deepcopy(good)
            if not place:
                changed = value
            else:
                into = changed
                for key in place[:-1]:
                    into = into[key]
                into[place[-1]] = value
            yield f"{place} = {value!r}", json.dumps(changed)
    for key in ("slots", "heads", "neurons"):
        yield f"no {key}", json.dumps({k: v for k, v in good.items() if k != key})
        yield f"{key} cut", json.dumps({**good, key: good[key][:-1]})
        yield f"{key} longer", json.dumps({**good, key: [*good[key], good[key][0]]})
    for key in ("heads", "neurons"):
        yield f"one of {key} cut", json.dumps({**good, key: [names[:-1] for names in good[key]]})
        longer = [[*names, *["x"] * 200] for names in good[key]]
        yield f"one of {key} longer", json.dumps({**good, key: longer})
    yield (
        "all names evil",
        json.dumps(
            {
                "slots": [[EVIL, *row[1:]] for row in good["slots"]],
                **{k: [[EVIL] * len(names) for names in good[k]] for k in ("heads", "neurons")},
            }
        ),
    )
    text = json.dumps(good)
    yield from (
        ("empty", ""), ("blank", " "), ("cut", text[:-1]), ("more", text + "{}"),
        ("deep lists", "[" * 200_000), ("deep objects", '{"a":' * 200_000),
        ("deep and whole", '{"slots":' + "[" * 50_000 + "]" * 50_000 + "}"),
        ("twice", '{"heads": null,' + text[1:]), ("constant", '{"a": NaN}'),
        ("infinity", '{"slots": [["x", 0, -Infinity, 1]]}'),
        ("digits", '{"a": ' + "9" * 5000 + "}"),
        ("many digits", '{"a": ' + "9" * 1_000_000 + "}"), ("exponent", '{"a": 1e999}'),
    )  # fmt: skip


def test_every_mutation_is_refused_or_shown_harmlessly(front, model_file, tmp_path, capfd):
    path, refused = tmp_path / "model.bin", 0
    for what, text in mutations(model_file.metadata):
        path.write_bytes(with_text(front, text.encode()))
        for command in (["info"], ["explain"], ["explain", "--dimension", "stack_depth"]):
            status = main(["model", command[0], str(path), *command[1:]])
            out, err = capfd.readouterr()
            told = f"{what}, {command}: {status} {err[:300]}"
            assert "a defect of pyvm" not in err and "Traceback" not in err, told
            shown = out.replace("\n", "") + err.replace("\n", "")
            assert shown.isprintable(), told
            if status:
                assert not out and err.startswith("pyvm: ") and err.count("\n") == 1, told
                refused += "metadata" in err
    assert refused > 200


def test_what_was_good_is_as_before(front, model_file):
    with Model(with_text(front, json.dumps(model_file.metadata).encode())) as model:
        assert model.metadata == model_file.metadata
    with Model(front) as model:
        assert model.metadata == {}


@pytest.mark.parametrize(
    "text, words",
    [
        (b"[]", "no JSON object"),
        (b"[" * 10**6, "nested too deeply"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": ' + b"1" * 20 + b"}", "more than 64 bits"),
        (b'{"slots": [["x", 30, 0, 1]]}', 'entry 0 of "slots"'),
        (b'{"slots": [["x", true, 0, 1]]}', 'entry 0 of "slots"'),
        (b'{"slots": [["x", 3, 2, 1]]}', 'entry 0 of "slots"'),
        (b'{"heads": [[], [], [], []]}', '"heads" of layer 1'),
        (b'{"neurons": [[], [], [1], []]}', '"neurons" of layer 3'),
        (b'{"neurons": [[]]}', "each of 4 layers"),
        (b"{]", "no JSON"),
    ],
)
def test_each_reader_says_what_is_wrong(front, text, words):
    data = with_text(front, text)
    with Model(data) as model, pytest.raises(ModelError, match=words):
        _ = model.metadata
    with pytest.raises(ModelFileError, match=words):
        ModelFile.from_bytes(data)


def test_a_model_with_such_labels_still_runs(front):
    from cases import BY_NAME

    with Model(with_text(front, b"[]")) as model:
        assert model.generate(BY_NAME["output"].prompt).output == BY_NAME["output"].output


def test_names_in_traps_are_shown_escaped():
    text = str(TrapSite(Trap.UNREACHABLE, EVIL, 16, f"{EVIL}.c:3"))
    assert text.isprintable() and "\\x1b]0;owned\\x07\\r\\n\\x9b2J\\u202e\\ud800" in text


def test_names_in_statistics_are_shown_escaped():
    import numpy as np

    from pyvm.isa.prompt import NAMES
    from pyvm.trace.statistics import Statistics

    counts = np.ones(len(NAMES), dtype=np.int64)
    lines = Statistics(counts, counts, 1, ((EVIL, 5),), 0).lines()
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("ending", [".c", ".wasm", ".txt", ""])
def test_names_of_files_are_shown_escaped(tmp_path, capfd, ending, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for make in (None, b"\xff\xfe"):
        name = f"a\x1b[2J\r\n\u202e{ending}"
        if make is not None:
            (tmp_path / name).write_bytes(make)
        for command in (["run", name], ["verify", name], ["run", "hello", "--model", name]):
            assert main(command) != 0
            out, err = capfd.readouterr()
            assert out == "" and err.count("\n") == 1 and err[:-1].isprintable(), (command, err)


def test_a_terminal_sees_the_tokens_of_a_model_escaped(model_file, tmp_path, monkeypatch, capsys):
    words = list(model_file.vocabulary)
    words[words.index("commit(-1,sts=0,bt=0)")] = "\x1b[2J"
    path = tmp_path / "model.bin"
    path.write_bytes(replace(model_file, vocabulary=tuple(words)).to_bytes())
    program = tmp_path / "program.txt"
    program.write_text("{ drop 00 00 00 00 } ")
    code = ["trace", str(program), "--model", str(path), "--tokens", "--max-tokens", "1"]
    for terminal in (False, True):
        monkeypatch.setattr("sys.stdout.isatty", lambda terminal=terminal: terminal)
        main(code)
        out = capsys.readouterr().out
        assert ("\x1b" in out) is not terminal, out
