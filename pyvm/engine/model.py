"""`Model`: an opened model file; generates and verifies.

Enters: a path or the bytes of a model file; programs or token ids.  Leaves: `Run` and `Check`.

A model is immutable: threads may share one.  It is closed by close(), by `with`, or when it is no
longer referenced.
"""

from __future__ import annotations

import ctypes
import json
import os
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pyvm.engine import abi, generating
from pyvm.engine.arrays import pointer, token_array, widened
from pyvm.engine.collector import OnTokens
from pyvm.engine.errors import (
    ArgumentError,
    ArgumentTypeError,
    ClosedError,
    ModelError,
)
from pyvm.engine.library import check, library, text_of
from pyvm.engine.options import check_count
from pyvm.engine.progress import Bar
from pyvm.engine.run import Check, Run
from pyvm.isa.program import Program

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import numpy as np

    from pyvm.cache import Octets
    from pyvm.trace.file import TraceFile


class Model:
    """An opened model, which generates and verifies; pyvm.load() opens the standard one.

        with pyvm.load() as model:
            run = model.generate(pyvm.compile("hello"))
            assert model.verify(run.tokens)

    It is a handle of libtvm, and no copy of the file: to use it in another process, or to keep it,
    pass the file's path or its bytes and open them there.

    Attributes:
        vocabulary_size, width, layers, heads, neurons: V, D, L, H and F of the file.
        stop: id of the stop token.
        kinds_stored: the file has head kinds (else they were found from the weights).
        vocabulary: the spelling of each token id.
        head_types: int32 (layers, heads), index into pyvm.engine.abi.HEAD_KINDS.
        metadata: the file's own labels, {} when it has none.
        kernel: the file of the kernel that was loaded, None when none was.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | Octets,
        vocabulary: tuple[str, ...] | None = None,
    ):
        """Opens a model file, or the bytes of one; raises FileError or ModelError. The vocabulary
        may be given where it is known: the library is asked for each token otherwise."""
        lib = library()
        handle = ctypes.c_void_p()
        if isinstance(source, (bytes, ctypes.Array)):
            check(lib.tvm_model_open_memory(source, len(source), ctypes.byref(handle)))
        elif isinstance(source, (str, os.PathLike)):
            path = os.fsencode(Path(source))
            if b"\0" in path:
                raise ArgumentError(f"the name {str(source)!r} has a zero byte: it is no file's")
            check(lib.tvm_model_open(path, ctypes.byref(handle)))
        else:
            raise ArgumentTypeError(
                f"a model is opened from a path or from bytes, not from {type(source).__name__}"
            )
        # What another process opens it from again; where it is an array, pyvm.load() says.
        self.source: str | bytes = ""
        if not isinstance(source, ctypes.Array):
            self.source = source if isinstance(source, bytes) else os.path.abspath(source)
        self._open(handle, vocabulary)

    def _open(self, handle: ctypes.c_void_p, vocabulary: tuple[str, ...] | None) -> None:
        lib = library()
        self._handle: ctypes.c_void_p | None = handle
        self._running = 0
        self.kernel: Path | None = None
        self._lock = threading.Lock()
        self._finalizer = weakref.finalize(self, lib.tvm_model_close, handle)
        # A daemon thread may be in a run at the interpreter's end: the model ends with the process.
        self._finalizer.atexit = False
        sizes = abi.ModelSizes()
        check(lib.tvm_model_get_sizes(handle, ctypes.byref(sizes)))
        self.vocabulary_size: int = sizes.vocabulary
        self.width: int = sizes.width
        self.layers: int = sizes.layers
        self.heads: int = sizes.heads
        self.neurons: int = sizes.neurons
        self.stop: int = sizes.stop
        self.kinds_stored = bool(sizes.kinds_stored)
        self.vocabulary: tuple[str, ...] = vocabulary or tuple(
            lib.tvm_model_token(handle, i).decode() for i in range(sizes.vocabulary)
        )

    def close(self) -> None:
        """Frees the model; a second call does nothing.  ArgumentError while a run goes on."""
        with self._lock:
            if self._running:
                raise ArgumentError("a model cannot be closed during a run")
            self._handle = None
            self._finalizer()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Model cannot be pickled or copied: it is an open handle of libtvm; pass the file's "
            "path or its bytes, and open them with pyvm.load()"
        )

    def __repr__(self) -> str:
        sizes = f"V={self.vocabulary_size} D={self.width} L={self.layers} H={self.heads}"
        return f"<Model {sizes} F={self.neurons}{'' if self._handle else ' closed'}>"

    @contextmanager
    def _use(self) -> Iterator[ctypes.c_void_p]:
        """The handle, which cannot be closed meanwhile."""
        with self._lock:
            if self._handle is None:
                raise ClosedError("this model is already closed")
            self._running += 1
        try:
            yield self._handle
        finally:
            with self._lock:
                self._running -= 1

    @cached_property
    def head_types(self) -> np.ndarray:
        import numpy as np

        kinds = np.empty((self.layers, self.heads), dtype=np.int32)
        with self._use() as handle:
            check(library().tvm_model_head_kinds(handle, pointer(kinds), kinds.size))
        kinds.flags.writeable = False
        return kinds

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """The file's own labels, {} when it has none; ModelError when they do not fit the model."""
        from pyvm.weights.metadata import MetadataError, Sizes, read_metadata

        with self._use() as handle:
            text = text_of(library().tvm_model_metadata(handle))
        try:
            return read_metadata(text, Sizes(self.width, self.layers, self.heads, self.neurons))
        except MetadataError as error:
            raise ModelError(str(error)) from None

    @property
    def why_no_plan(self) -> str:
        """Why runs of this model take the layer path; "" when it has a plan."""
        from pyvm.engine.refusal import with_names

        with self._use() as handle:
            why = text_of(library().tvm_model_why_no_plan(handle))
        try:
            return with_names(why, self.metadata) if why else ""
        except ModelError:  # labels that are none: the numbers say where
            return why

    def explain(self, tokens: np.ndarray | Sequence[int] | None = None) -> dict[str, Any]:
        """The plan as tvm_model_explain describes it: nodes, certificate, stores, selectors.

        With `tokens` also the tapes that predicting all of them takes. Raises UnsupportedError when
        the model has no plan.

        >>> sorted(model.explain())[:4]
        ['certificate', 'classes', 'features', 'heads_dropped']
        """
        texts: list[bytes] = []
        given = None if tokens is None else widened(token_array(tokens))
        take = abi.TextCallback(lambda _, text: texts.append(text))
        with self._use() as handle:
            status = library().tvm_model_explain(
                handle,
                None if given is None else pointer(given),
                0 if given is None else len(given),
                take,
                None,
            )
            check(status)
        found: dict[str, Any] = json.loads(texts[0])
        return found

    def encode(self, tokens: Sequence[str]) -> np.ndarray:
        """Ids in this model's vocabulary; raises pyvm.isa.tokens.TokenError.

        >>> model.encode(["2a", "00"]).tolist()
        [42, 0]
        """
        from pyvm.isa.tokens import parse

        if isinstance(tokens, str) or not all(isinstance(token, str) for token in tokens):
            raise ArgumentTypeError("tokens must be a sequence of words; text.split() makes one")
        return parse(" ".join(tokens), {token: i for i, token in enumerate(self.vocabulary)})

    def generate(
        self,
        program: Program | np.ndarray | Sequence[int],
        limit: int = 0,
        on_tokens: OnTokens | None = None,
        keep: bool = True,
        progress: bool | Bar = False,
        **options: str | int,
    ) -> Run:
        """Greedy decoding from a program (pyvm.compile) or from token ids.

        Args:
            program: a Program, or ids: an array of integers of any size and stride, or a sequence
                of them.
            limit: most tokens to generate; 0 for no limit.
            on_tokens: sees each chunk of generated ids, an array.array of its own (numpy.asarray
                makes one of numpy without a copy); returning True stops the run.
                What it raises, Ctrl-C included, stops the run and is raised again.
            keep: False for long runs whose tokens only `on_tokens` sees: the Run then has those of
                the prompt alone, and neither cursor nor trap.
            progress: True tells how far the run is (by tqdm where it is installed); or anything
                with an update(n), which is called with the number of new tokens.
            options: path, projection, attention, bypass, threads: see tvm_options in tvm.h.

        Any number of threads may generate at the same time. Raises LimitError where nobody could go
        on exactly, OutOfMemory, ArgumentError for a program that this model cannot run.

        >>> run = model.generate(pyvm.compile("hello"))
        >>> run.output, run.stopped
        (b'Hello from inside the transformer!\\n', 'halt')
        """
        return generating.generate(self, program, limit, on_tokens, keep, progress, options)

    def stream(
        self,
        program: Program | np.ndarray | Sequence[int],
        limit: int = 0,
        **options: str | int,
    ) -> Iterator[np.ndarray]:
        """generate() as an iterator over chunks of generated ids; the run ends with it.

        >>> sum(chunk.size for chunk in model.stream(pyvm.compile("hello")))
        2071
        """
        from pyvm.engine.stream import stream

        return stream(self, program, check_count(limit, "limit"), **options)

    def run_many(
        self,
        programs: Iterable[Program | np.ndarray],
        executor: Executor | None = None,
        limit: int = 0,
        **options: str | int,
    ) -> Iterator[Run]:
        """Runs of many programs, in their order, on as many threads as there are processors or by
        any executor of concurrent.futures.

        >>> programs = [pyvm.compile("collatz", input=str(n)) for n in (6, 7)]
        >>> [run.output.split()[-4] for run in model.run_many(programs)]
        [b'8', b'16']
        """
        from pyvm.engine.many import run_many

        return run_many(self, programs, executor, check_count(limit, "limit"), **options)

    def verify(
        self,
        tokens: Run | np.ndarray | Sequence[int] | os.PathLike[str] | TraceFile,
        first: int | None = None,
        last: int | None = None,
        predicted: bool = False,
        executor: Executor | None = None,
        progress: bool | Bar = False,
        **options: str | int,
    ) -> Check:
        """Checks tokens[first:last] against the model's predictions from the tokens before each.

        Tokens are taken as generate() takes ids, or from a Run.  `first` is by default the first
        token behind the prompt (1 when the tokens have no prompt of the token language), `last` the
        end.  With `predicted`, all predictions are returned; without it the first mismatch may end
        it.
        Raises ArgumentError for a window that is none, LimitError as generate() does.

        A trace file, by its path or open, is verified segment by segment, on `threads` or by any
        executor of concurrent.futures; pyvm/trace/README.md tells what that means.  A window of it
        is checked from the border before it, which is believed.

        >>> run = model.generate(pyvm.compile("hello"))
        >>> check = model.verify(run.tokens)
        >>> check.ok, check.complete, check.checked == run.generated.size
        (True, True, True)
        """
        from pyvm.engine.verifying import verify

        return verify(self, tokens, first, last, predicted, executor, progress, options)
