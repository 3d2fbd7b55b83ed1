"""The native executor of token programs: the same tokens as a machine, without a model.

Enters: a program or token ids, and the machine's vocabulary.  Leaves: a `Run`; it is the oracle for
long runs.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from pyvm.engine import abi
from pyvm.engine.arrays import is_narrow, pointer
from pyvm.engine.collector import Collector, OnTokens
from pyvm.engine.generating import check_run, make_run
from pyvm.engine.library import library
from pyvm.engine.options import check_count, check_flag
from pyvm.engine.prompt import prompt_of
from pyvm.engine.run import Run
from pyvm.isa.program import Program
from pyvm.isa.tokens import VOCABULARY

if TYPE_CHECKING:
    import numpy as np


@lru_cache(maxsize=2)
def _spellings(vocabulary: tuple[str, ...]) -> ctypes.Array[ctypes.c_char_p]:
    return (ctypes.c_char_p * len(vocabulary))(*(token.encode() for token in vocabulary))


def execute(
    program: Program | np.ndarray | Sequence[int],
    limit: int = 0,
    on_tokens: OnTokens | None = None,
    keep: bool = True,
    vocabulary: tuple[str, ...] = VOCABULARY,
) -> Run:
    """Runs a program in a vocabulary; the other parameters are those of Model.generate.

    A vocabulary without trap(out_of_bounds) is that of a machine which does not check addresses.
    """
    limit, keep = check_count(limit, "limit"), check_flag(keep, "keep")
    prompt = prompt_of(program, vocabulary)
    collector = Collector(prompt.tokens, on_tokens, keep)
    result = abi.RunResult()
    with collector:
        status = (library().tvm_trace16 if is_narrow(prompt.tokens) else library().tvm_trace)(
            _spellings(vocabulary),
            len(vocabulary),
            pointer(prompt.tokens),
            len(prompt.tokens),
            limit,
            collector.callback,
            None,
            ctypes.byref(result),
        )
    check_run(status, collector)
    return make_run(prompt, collector, result, vocabulary, vocabulary.index("halt"), keep)
