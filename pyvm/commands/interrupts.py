"""Ctrl-C and SIGTERM: both raise KeyboardInterrupt, so that nothing is left half-written.

Enters: signals; long calls into the library.  Leaves: exit status 130, or 143 without a word.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from pyvm.commands.status import INTERRUPTED, TERMINATED

_terminated = False


def install() -> None:
    """Takes SIGTERM, and Ctrl-C where tools/run hands it over blocked."""
    from pyvm.engine.signals import RAISING

    if os.name == "nt" or threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        RAISING.append(_terminate)
        signal.signal(signal.SIGTERM, _terminate)
    # Python could not end quietly before this line.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _terminate(number: int, frame: FrameType | None) -> None:
    global _terminated
    _terminated = True
    raise KeyboardInterrupt


def terminated() -> bool:
    """Whether it was SIGTERM."""
    return _terminated


def status() -> int:
    """The exit status of a command that KeyboardInterrupt ended."""
    return TERMINATED if _terminated else INTERRUPTED


def interruptible(function: Callable[[], Any], last_words: Callable[[], None]) -> Any:
    """The result of a long call into the library that takes no callback.

    Python delivers a signal only between its own instructions, so the call runs on another thread.
    A call that is under way cannot be stopped: after `last_words` the process ends here and now,
    which is right for a check, as it leaves nothing behind.
    """
    result: list[Any] = []
    error: list[BaseException] = []

    def work() -> None:
        try:
            result.append(function())
        except BaseException as caught:
            error.append(caught)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.1)
    except KeyboardInterrupt:
        try:
            last_words()
            sys.stdout.flush()
        finally:
            os._exit(status())
    if error:
        raise error[0]
    return result[0]
