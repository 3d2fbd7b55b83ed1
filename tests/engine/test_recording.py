"""Trace files: what a run writes, how it goes on after any end, and that nothing wrong passes."""

from __future__ import annotations

import hashlib
import os
import random
import resource
import signal
import struct
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

import pyvm
from pyvm.engine import progress, segments
from pyvm.engine.errors import ArgumentError, ArgumentTypeError, UnsupportedError
from pyvm.engine.recording import Recording
from pyvm.trace.file import TraceFile
from pyvm.trace.format import MAGIC, TraceFileError
from pyvm.trace.pace import Pace
from trace_parts import Parts, changed, said

SPACING = 1000


@pytest.fixture(scope="module")
def program():
    return pyvm.compile("collatz", input="7")


@pytest.fixture(scope="module")
def whole(model, program):
    return model.generate(program)


def record(model, program, file, limit=0, resume=False, spacing=SPACING, **options):
    with Recording(model, program.tokens(), file, resume, spacing, **options) as recording:
        pieces = list(recording.pieces(limit))
    return np.concatenate(pieces), recording.stopped


@pytest.fixture(scope="module")
def written(model, program, whole, tmp_path_factory):
    """A whole trace file, and its bytes."""
    path = tmp_path_factory.mktemp("trace") / "a.trace"
    tokens, stopped = record(model, program, path)
    assert np.array_equal(tokens, whole.generated) and stopped == "halt"
    return path.read_bytes()


@pytest.fixture(scope="module")
def meant(written, tmp_path_factory):
    """What it says."""
    path = tmp_path_factory.mktemp("trace") / "a.trace"
    path.write_bytes(written)
    return said(path)


@pytest.fixture
def parts(written, tmp_path):
    path = tmp_path / "parts.trace"
    path.write_bytes(written)
    return Parts(path)


def test_a_trace_file_holds_the_run_and_verifies(model, whole, written, tmp_path):
    path = tmp_path / "a.trace"
    path.write_bytes(written)
    with TraceFile(path) as trace:
        assert trace.complete and trace.count == whole.tokens.size
        assert np.array_equal(np.concatenate(list(trace.pieces())), whole.generated)
        assert len(trace.segments) > 20 and any(s.whole_at for s in trace.segments)
        for threads in (1, 2):
            check = model.verify(trace, threads=threads)
            assert check.ok and check.complete and check.checked == whole.generated.size


def test_every_path_writes_the_same(model, program, meant, tmp_path):
    """Borders say what the state means: tapes and a kernel, if there is one, agree."""
    record(model, program, tmp_path / "plan.trace", path="plan")
    assert said(tmp_path / "plan.trace") == meant


def test_windows_far_inside(model, whole, written, tmp_path):
    path = tmp_path / "a.trace"
    path.write_bytes(written)
    size = whole.tokens.size
    for first, last in ((size - 300, size - 100), (whole.prompt_length, size), (12345, 12346)):
        check = model.verify(path, first, last)
        assert check.ok and check.checked == last - first
    for first, last in ((0, 10), (size - 5, size + 1), (size, size)):
        with pytest.raises(ArgumentError, match="does not fit the trace"):
            model.verify(path, first, last)


def test_a_window_with_a_wrong_token(model, parts, whole, tmp_path):
    at = parts.first[7] + 20
    parts.tokens[7][20] ^= 1
    path = parts.write(tmp_path / "b.trace")
    check = model.verify(path, at - 10, at + 10)
    assert not check.ok and check.first_mismatch == at and check.checked == 11
    assert check.predicted == whole.tokens[at]


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_executors(model, whole, written, parts, tmp_path, kind):
    path = tmp_path / "a.trace"
    path.write_bytes(written)
    parts.tokens[9][3] ^= 1
    wrong = parts.write(tmp_path / "b.trace")
    pools = {
        "threads": lambda: ThreadPoolExecutor(2),
        "processes": lambda: ProcessPoolExecutor(2, get_context("spawn")),
    }
    with pools[kind]() as pool:
        check = model.verify(path, executor=pool)
        assert check.ok and check.complete and check.checked == whole.generated.size
        check = model.verify(wrong, executor=pool)
        assert not check.ok and check.first_mismatch == parts.first[9] + 3


def _die(*_):
    os._exit(1)


def test_workers_that_die_change_nothing(model, whole, written, tmp_path, monkeypatch):
    path = tmp_path / "a.trace"
    path.write_bytes(written)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        monkeypatch.setattr(segments, "check_elsewhere", _die)
        check = model.verify(path, executor=pool)
    assert check.ok and check.complete and check.checked == whole.generated.size


def test_a_wrong_token_is_found(model, parts, whole, tmp_path):
    for k, i in ((0, 0), (4, 999), (len(parts.tokens) - 1, 5)):
        right = parts.tokens[k][i]
        parts.tokens[k][i] = (right + 1) % model.vocabulary_size
        check = model.verify(parts.write(tmp_path / "b.trace"), threads=2)
        assert not check.ok and check.first_mismatch == parts.first[k] + i
        assert check.predicted == right
        parts.tokens[k][i] = right


def test_a_wrong_border_is_found(model, parts, tmp_path):
    source = random.Random(5)
    for _ in range(30):
        k = source.randrange(len(parts.changes))
        right = parts.changes[k]
        parts.changes[k] = changed(right, source)
        check = model.verify(parts.write(tmp_path / "b.trace"), threads=2)
        assert not check.ok
        if check.wrong_border is not None:
            assert check.wrong_border <= parts.first[k] + parts.tokens[k].size - 1
        parts.changes[k] = right


def test_a_wrong_whole_border_is_found(model, parts, tmp_path):
    (k, *_) = (k for k, whole in enumerate(parts.wholes) if whole is not None)
    parts.wholes[k] = changed(parts.wholes[k], random.Random(2))
    for threads in (1, 2):
        check = model.verify(parts.write(tmp_path / "b.trace"), threads=threads)
        assert not check.ok and check.wrong_border == parts.first[k] + SPACING - 1


def test_what_is_whole_and_no_run_is_not_gone_on_with(model, program, parts, tmp_path):
    for options, words in (({"means_less": 5}, "not the one"), ({"between": 5}, "lies between")):
        path = parts.write(tmp_path / "b.trace", **options)
        with pytest.raises(TraceFileError, match=words):
            record(model, program, path, resume=True)


def test_borders_swapped(model, parts, tmp_path):
    parts.changes[3], parts.changes[4] = parts.changes[4], parts.changes[3]
    check = model.verify(parts.write(tmp_path / "b.trace"))
    assert not check.ok and check.wrong_border == parts.first[3] + SPACING - 1


@pytest.mark.parametrize("what", ["repeated", "missing", "swapped"])
def test_segments_repeated_missing_and_swapped(model, parts, tmp_path, what):
    """Even where whoever did it has made all digests and positions right."""
    if what == "repeated":
        parts.order.insert(5, 4)
    elif what == "missing":
        parts.order.remove(5)
    else:
        parts.order[5], parts.order[6] = parts.order[6], parts.order[5]
    check = model.verify(parts.write(tmp_path / "b.trace"), threads=2)
    assert not check.ok


@pytest.mark.parametrize("what", ["repeated", "missing", "swapped"])
def test_bytes_repeated_missing_and_swapped(model, written, tmp_path, what):
    """As an editor of bytes would do it: the digests tell."""
    path = tmp_path / "a.trace"
    path.write_bytes(written)
    with TraceFile(path) as trace:
        begins = [s.tokens_at for s in trace.segments] + [trace.end]
    a, b, c = begins[4:7]
    pieces = {"repeated": [a, b, a, b], "missing": [b, b], "swapped": [b, c, a, b]}[what]
    data = written[:a]
    for begin, end in zip(pieces[::2], pieces[1::2]):
        data += written[begin:end]
    data += written[c if what == "swapped" else b : begins[-1]]
    path.write_bytes(data)
    with pytest.raises(TraceFileError, match="not the segment that follows|digest is wrong"):
        model.verify(path)


def test_every_byte_is_covered(model, written, tmp_path):
    path = tmp_path / "a.trace"
    source = random.Random(3)
    places = [*range(70), *(source.randrange(len(written)) for _ in range(150))]
    places += range(len(written) - 60, len(written))
    for at in places:
        damaged = bytearray(written)
        damaged[at] ^= 1 << source.randrange(8)
        path.write_bytes(damaged)
        try:
            with TraceFile(path) as trace:
                trace.check()
                # A damaged end is no end: the segments are found without it.
                assert not trace.complete and trace.end <= at
        except TraceFileError:
            pass


def test_a_cut_file_goes_on(model, program, written, meant, tmp_path):
    path = tmp_path / "a.trace"
    source = random.Random(1)
    for length in [
        0,
        5,
        10,
        len(written) - 1,
        *(source.randrange(len(written)) for _ in range(16)),
    ]:
        path.write_bytes(written[:length])
        record(model, program, path, resume=True)
        assert said(path) == meant, length


def test_a_torn_tail_goes_on(model, program, written, meant, tmp_path):
    """A file system may know the length of what it has no bytes of."""
    path = tmp_path / "a.trace"
    path.write_bytes(written)
    with TraceFile(path) as trace:
        at, end = trace.segments[11].changes_at, trace.segments[12].tokens_at
    path.write_bytes(written[: at + 30] + bytes(end - at - 30))
    record(model, program, path, resume=True)
    assert said(path) == meant
    path.write_bytes(written[:end] + bytes(5000))
    record(model, program, path, resume=True)
    assert said(path) == meant


def test_damage_inside_is_not_gone_on_with(model, program, written, tmp_path):
    path = tmp_path / "a.trace"
    path.write_bytes(written)
    with TraceFile(path) as trace:
        at, end = trace.segments[6].tokens_at, trace.segments[15].tokens_at
    damaged = bytearray(written[:end])
    damaged[at + 60] ^= 4
    path.write_bytes(damaged)
    with pytest.raises(TraceFileError, match=f"byte {at}: the digest is wrong"):
        record(model, program, path, resume=True)
    assert path.read_bytes() == damaged


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_twenty_kills(model, tmp_path):
    """At any moment: the file of the last run says what that of an undisturbed one does."""
    program = pyvm.compile("sudoku")
    limit, spacing = 400_000, 1 << 12
    record(model, program, tmp_path / "whole.trace", limit, spacing=spacing)
    begin = time.monotonic()
    record(model, program, tmp_path / "whole.trace", limit, True, spacing)
    took = time.monotonic() - begin
    path = tmp_path / "killed.trace"
    source = random.Random(7)
    killed = 0
    for _ in range(20):
        child = os.fork()
        if child == 0:
            try:
                record(model, program, path, limit, True, spacing)
            finally:
                os._exit(0)
        time.sleep(source.uniform(0, max(took, 0.05)))
        os.kill(child, signal.SIGKILL)
        killed += os.waitpid(child, 0)[1] == signal.SIGKILL
    assert killed > 5
    record(model, program, path, limit, True, spacing)
    assert said(path) == said(tmp_path / "whole.trace")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_full_disk(model, program, written, meant, tmp_path):
    """A file that may not grow: one sentence, and a file to go on with."""
    path = tmp_path / "a.trace"
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(written) // 2, len(written) // 2))
            record(model, program, path)
        except OSError as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as words:
        assert words.read() == f"[Errno 27] File too large: '{path}'"
    with TraceFile(path) as trace:
        assert len(trace.segments) > 5 and trace.end == path.stat().st_size
        trace.check()
    record(model, program, path, resume=True)
    assert said(path) == meant


def test_room_is_looked_at_before_it_is_used(model, program, tmp_path, monkeypatch):
    class Full:
        f_bavail, f_frsize = 3, 4096

    monkeypatch.setattr(os, "fstatvfs", lambda _: Full)
    with pytest.raises(OSError, match="No space left") as caught:
        record(model, program, tmp_path / "a.trace")
    assert caught.value.filename == str(tmp_path / "a.trace")
    assert (tmp_path / "a.trace").stat().st_size == 0


def test_limits_in_any_steps_give_the_same(model, program, whole, written, meant, tmp_path):
    path = tmp_path / "a.trace"
    for limit in (1, 1700, 2000, 900, 9999):
        tokens, stopped = record(model, program, path, limit, resume=True)
        assert stopped == "limit" and np.array_equal(tokens, whole.generated[:limit])
        assert model.verify(path).ok and not model.verify(path).complete
    tokens, stopped = record(model, program, path, resume=True)
    assert stopped == "halt" and said(path) == meant
    tokens, stopped = record(model, program, path, resume=True)  # again: as it ended
    assert stopped == "halt" and np.array_equal(tokens, whole.generated)
    assert said(path) == meant


def test_whoever_stops_in_between_leaves_a_whole_file(model, program, whole, tmp_path):
    path = tmp_path / "a.trace"
    with Recording(model, program.tokens(), path, spacing=SPACING) as recording:
        for count, _ in enumerate(recording.pieces(), 1):
            if count == 3:
                break
    with TraceFile(path) as trace:
        assert trace.stopped == "limit" and len(trace.segments) == 3
    assert model.verify(path).ok


def test_whoever_is_interrupted_leaves_a_whole_file(model, program, written, meant, tmp_path):
    path = tmp_path / "a.trace"
    with pytest.raises(KeyboardInterrupt) as caught:
        with Recording(model, program.tokens(), path, spacing=SPACING) as recording:
            for count, _ in enumerate(recording.pieces(), 1):
                if count == 3:
                    raise KeyboardInterrupt
    del caught
    with TraceFile(path) as trace:
        assert trace.stopped == "limit" and len(trace.segments) == 3
    record(model, program, path, resume=True)
    assert said(path) == meant


def test_what_does_not_belong_together(model, program, written, tmp_path):
    path = tmp_path / "a.trace"
    path.write_bytes(written)
    other = pyvm.compile("collatz", input="6")
    with pytest.raises(TraceFileError, match="another program or input"):
        record(model, other, path, resume=True)
    with pyvm.load("base") as base, pytest.raises(TraceFileError, match="another vocabulary"):
        base.verify(path)
    path.write_bytes(written[: len(written) // 2])
    with pytest.raises(TraceFileError, match="has not come to its end"):
        record(model, program, path)
    path.write_text("int main() {}\n")
    for resume in (False, True):
        with pytest.raises(TraceFileError, match="is no trace file"):
            record(model, program, path, resume=resume)
    assert path.read_text() == "int main() {}\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_what_is_no_ordinary_file(model, program, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ArgumentError, match="is no ordinary file"):
        record(model, program, tmp_path / "fifo")
    with pytest.raises(UnsupportedError, match="path layers: a run that is kept takes the plan"):
        record(model, program, tmp_path / "a.trace", path="layers")
    assert not (tmp_path / "a.trace").exists()


def test_two_writers(model, program, tmp_path):
    pytest.importorskip("fcntl")
    path = tmp_path / "a.trace"
    with Recording(model, program.tokens(), path) as recording:
        with pytest.raises(TraceFileError, match="written by another process"):
            record(model, program, path)
        list(recording.pieces())
    assert model.verify(path).complete


def test_a_file_of_another_model(model, parts, tmp_path):
    parts.header.model = f"{int(parts.header.model, 16) ^ 1:016x}"
    with pytest.raises(TraceFileError, match="of another model, or of another version"):
        model.verify(parts.write(tmp_path / "b.trace"))


@pytest.mark.parametrize("version", [2, 4])
def test_a_file_of_another_version(model, program, tmp_path, version):
    """As the readers of then wrote it, and as those of later will."""
    path = tmp_path / "a.trace"
    path.write_bytes(MAGIC + struct.pack("<H", version) + hashlib.sha256(b"").digest())
    for action in (
        lambda: model.verify(path),
        lambda: record(model, program, path, resume=True),
        lambda: record(model, program, path),
    ):
        said = f"is a trace of version {version}, and this pyvm reads version 3"
        with pytest.raises(TraceFileError, match=said):
            action()


def test_how_fast_a_machine_is_changes_no_token(model, program, meant, tmp_path, monkeypatch):
    """Some pieces are compressed less: tokens, borders and their digests are the same."""
    answers = iter([False, True] * 1000)
    monkeypatch.setattr(Pace, "next_is_fast", lambda _: next(answers))
    path = tmp_path / "a.trace"
    record(model, program, path, 9000)
    record(model, program, path, resume=True)
    assert said(path) == meant
    with TraceFile(path) as trace:
        forms = [trace.tokens(k).data[0] for k in range(len(trace.segments))]
    assert 10 < sum(forms) < len(forms) - 10
    check = model.verify(path, threads=2)
    assert check.ok and check.complete


def test_memory_does_not_grow_with_what_is_on_its_way(model, tmp_path):
    """A slow disk holds the run up."""
    program = pyvm.compile("sudoku")
    with Recording(model, program.tokens(), tmp_path / "a.trace", spacing=4096) as recording:
        append = recording._writer.append
        most = []

        def slow(*parts):
            time.sleep(0.002)
            most.append(len(recording._pending))
            append(*parts)

        recording._writer.append = slow
        list(recording.pieces(100_000))
    assert max(most) <= 3


class Bar:
    def __init__(self):
        self.count = 0

    def update(self, n):
        self.count += n


def test_progress(model, program, whole, written, tmp_path, monkeypatch, capsys):
    path = tmp_path / "a.trace"
    path.write_bytes(written)
    bars = [Bar(), Bar()]
    seen = []
    run = model.generate(program, on_tokens=lambda tokens: seen.append(tokens), progress=bars[0])
    assert np.array_equal(np.concatenate(seen), run.generated)
    model.verify(path, progress=bars[1])
    assert [bar.count for bar in bars] == [whole.generated.size] * 2
    monkeypatch.setattr(progress, "SELDOM", 0.0)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    model.verify(path, progress=True)
    assert f" of {whole.generated.size:,} tokens, " in capsys.readouterr().err
    for wrong in (
        lambda: model.generate(program, progress=3),
        lambda: model.verify(path, progress=3),
    ):
        with pytest.raises(ArgumentTypeError, match="progress must be"):
            wrong()


def test_streams_give_the_tokens_of_the_run(model, program, whole):
    assert np.array_equal(np.concatenate(list(model.stream(program))), whole.generated)
    chunks = model.stream(pyvm.compile("sudoku"), path="plan")
    assert next(chunks).size > 0
    chunks.close()
    assert not model._running
    with pytest.raises(ArgumentError):
        list(model.stream(program, path="no path"))


def test_many_programs(model):
    inputs = [str(n) for n in range(1, 12)]
    programs = [pyvm.compile("collatz", input=text) for text in inputs]
    expected = [model.generate(program).output for program in programs]
    assert [run.output for run in model.run_many(programs)] == expected
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        runs = list(model.run_many(programs[:3], pool))
    assert [run.output for run in runs] == expected[:3]
    assert all(Path(run.vocabulary[0]) and run.ok for run in runs)
