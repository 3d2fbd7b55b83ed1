"""Which signal handlers only raise KeyboardInterrupt: a run may put its own in their place
(collector.py).  A command adds its own of SIGTERM before anything of the engine is loaded.

Enters: nothing.  Leaves: the list.
"""

from __future__ import annotations

import signal

RAISING: list[object] = [signal.default_int_handler]
