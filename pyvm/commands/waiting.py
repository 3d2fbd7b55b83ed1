"""Long calls into the library that take no callback, with Ctrl-C.

Enters: a function.  Leaves: its result; after Ctrl-C the process says so and ends with status 130.

Python delivers a signal only between its own instructions, so the call runs on another thread.  A
call that is under way cannot be stopped, hence the hard exit: a check leaves nothing behind.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from pyvm.commands.common import say
from pyvm.commands.status import INTERRUPTED


def interruptible(function: Callable[[], Any], when_interrupted: str) -> Any:
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
        say(when_interrupted)
        sys.stdout.flush()
        os._exit(INTERRUPTED)
    if error:
        raise error[0]
    return result[0]
