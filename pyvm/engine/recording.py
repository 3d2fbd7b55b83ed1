"""Writes a run into a trace file while it goes on, and goes on with a run that a file has.

Enters: a model, a prompt, a file.  Leaves: the tokens, piece by piece; the file, which is at any
moment one that a run can go on from.

Compression and writing go beside the run, on two threads: at most three segments are on their way.
Where a run falls behind, its tokens are compressed less (trace/pace.py).
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import BinaryIO

import numpy as np

from pyvm import __version__
from pyvm.engine.errors import ArgumentError
from pyvm.engine.library import check, library
from pyvm.engine.model import Model
from pyvm.engine.sequence import Sequence, restore
from pyvm.trace.file import TraceFile
from pyvm.trace.format import (
    SPACING,
    Header,
    NothingYet,
    Piece,
    TraceFileError,
    Wholes,
    opening,
    vocabulary_digest,
)
from pyvm.trace.pace import Pace
from pyvm.trace.writer import TraceWriter

_THREADS = 2
_ON_THEIR_WAY = 3


def fingerprint(model: Model) -> str:
    """Of the model's plan, as trace files name it."""
    number = ctypes.c_uint64()
    with model._use() as handle:
        check(library().tvm_model_fingerprint(handle, ctypes.byref(number)))
    return f"{number.value:016x}"


def require_model(header: Header, model: Model, name: str) -> None:
    """Refuses a trace of another model."""
    if header.vocabulary != vocabulary_digest(model.vocabulary):
        raise TraceFileError(f"{name} is a trace of a model with another vocabulary")
    if header.model != fingerprint(model):
        raise TraceFileError(
            f"{name} is a trace of another model, or of another version of libtvm: it was "
            f"written by pyvm {header.library}"
        )


class Recording:
    """A run and its trace file.

        with Recording(model, prompt, "run.trace", resume=True) as recording:
            for piece in recording.pieces(limit=10**9):
                ...

    With `resume` it goes on with what the file has: pieces() gives that first.  A file that is not
    there is begun either way.

    Attributes:
        stopped: "halt" or "limit" once pieces() has come to an end; "" before.
        stored: tokens that the file had at the begin, those of the prompt apart.
    """

    def __init__(
        self,
        model: Model,
        prompt: np.ndarray,
        trace: str | os.PathLike[str],
        resume: bool = False,
        spacing: int = SPACING,
        **options: str | int,
    ):
        Sequence(model, prompt, **options).close()  # refuses before there is a file
        self.stopped = ""
        self.covered = 0
        self._model, self._prompt, self._options = model, prompt, options
        self._name, self._spacing = os.fspath(trace), spacing
        self._writing = False
        self._wholes = Wholes()
        self._pace = Pace()
        self._pending: deque[Future[None]] = deque()
        with ExitStack() as stack:
            self._file: BinaryIO = stack.enter_context(_opened(trace))
            _lock(self._file, self._name)
            self._reader: TraceFile | None = None
            found = os.fstat(self._file.fileno()).st_size
            if found > len(opening()) or (found and not resume):
                with suppress(*([NothingYet] if resume else [])):
                    self._reader = stack.enter_context(self._old(trace, resume))
            if self._reader is None or not resume:
                self._reader = None
                self._file.truncate(0)
                self._file.seek(0)
                header = Header(
                    fingerprint(model),
                    vocabulary_digest(model.vocabulary),
                    __version__,
                    model.stop,
                    spacing,
                    prompt,
                )
                self._writer = TraceWriter.begin(self._file, self._name, header)
            self.stored = 0 if self._reader is None else self._reader.count - prompt.size
            self._threads = ThreadPoolExecutor(_THREADS)
            stack.callback(self._threads.shutdown)
            self._stack = stack.pop_all()

    def _old(self, path: str | os.PathLike[str], resume: bool) -> TraceFile:
        """The trace that is there; refuses what must not be written over or gone on with."""
        reader = TraceFile(path)
        if not resume:
            if not reader.complete:
                reader.close()
                raise TraceFileError(
                    f"{self._name} holds a trace that has not come to its end: go on with it "
                    "(--resume), or remove it"
                )
            return reader
        try:
            require_model(reader.header, self._model, self._name)
            if not np.array_equal(reader.header.prompt, self._prompt):
                raise TraceFileError(f"{self._name} is a trace of another program or input")
            self._spacing = reader.header.spacing
            if reader.segments and _is_torn(reader):
                reader.drop_last()
            last = reader.segments[-1] if reader.segments else None
            if last and not reader.complete and last.count < self._spacing:
                reader.drop_last()  # so that the file is the one of a run without an end here
            self._wholes = reader.check()
        except BaseException:
            reader.close()
            raise
        return reader

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        with self._stack:
            # Whoever stops in between (a time limit, Ctrl-C) leaves a whole file as well.
            if self._writing:
                with suppress(*(() if kind is None else (OSError,))):
                    self._wait(0)
                    self._writer.finish(self.stopped or "limit")

    def _wait(self, left: int) -> None:
        while len(self._pending) > left:
            self._pending.popleft().result()

    def _send(self, tokens: np.ndarray, changes: bytes, whole: bytes | None) -> None:
        """Has a segment compressed and written, on a thread; waits while there are too many."""
        self._wait(_ON_THEIR_WAY - 1)
        before = self._pending[-1] if self._pending else None
        fast = self._pace.next_is_fast()

        def put() -> None:
            with self._pace.packing(fast):
                piece = Piece.of(tokens, changes, whole, fast)
            if before is not None:
                before.result()  # a thread has it already: they are taken in order
            self._writer.append(piece)

        self._pending.append(self._threads.submit(put))

    def pieces(self, limit: int = 0) -> Iterator[np.ndarray]:
        """All generated tokens from the first on, at most `limit` (0: no limit) of them."""
        reader = self._reader
        given = 0
        if reader is not None:
            for piece in reader.pieces():
                if limit and given + piece.size > limit:
                    yield piece[: limit - given]
                    self.stopped = "limit"
                    return
                given += piece.size
                yield piece
            if reader.complete and given == self.stored:
                self.stopped = "halt"
                return
            if given == limit and limit:
                self.stopped = "limit"
                return
            self._writer = TraceWriter.behind(self._file, reader)
        yield from self._generated(limit, given)

    def _generated(self, limit: int, given: int) -> Iterator[np.ndarray]:
        reader = self._reader
        with Sequence(self._model, self._prompt, **self._options) as run:
            if reader is not None:
                restore(run, reader.state_before(len(reader.segments)))
            since = self._writer.since
            self._writing = True
            while not self.stopped:
                most = min(self._spacing, limit - given) if limit else self._spacing
                with self._pace.piece():
                    with self._pace.generating():
                        piece = run.generate(most)
                    self.covered = run.covered
                    changes = run.save(since)
                    whole = run.save() if self._wholes.due(len(changes), piece.size) else None
                    if whole is not None:
                        self._wholes.written(len(whole))
                    since = run.position
                    self._send(piece, changes, whole)
                given += piece.size
                yield piece
                if run.stopped == "halt" or given == limit:
                    self.stopped = run.stopped


def _opened(path: str | os.PathLike[str]) -> BinaryIO:
    """For reading and writing, made where it is not there."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    file = os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ArgumentError(f"{os.fspath(path)} is no ordinary file: a trace cannot be kept there")
    return file


def _lock(file: BinaryIO, name: str) -> None:
    """So that two runs do not write one file; where the system has no locks, it is up to them."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise TraceFileError(f"{name} is being written by another process") from None
    except OSError:
        pass


def _is_torn(reader: TraceFile) -> bool:
    """Whether the last segment has its length and not its bytes, as after a power cut."""
    if reader.stopped is not None:
        return False
    k = len(reader.segments) - 1
    try:
        reader.tokens(k), reader.changes(k), reader.whole(k)
    except TraceFileError:
        return True
    return False
