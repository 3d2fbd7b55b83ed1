"""Exit statuses: the one place that defines them; README and `--help` repeat what stands here.

`pyvm run` ends with the program's own status, as a native process would.  What is not the program's
own follows the habits of `timeout`, `env` and the shell; a program may give the same number, so
stderr and `--json` always say which it was.

Enters: nothing.  Leaves: the numbers, and the epilogs of `--help` that explain them.
"""

from __future__ import annotations

OK = 0  # done; of a run: the program's own status, 0 unless it exits with another
WRONG = 1  # verify: a trace is wrong or incomplete; doctor: programs cannot be run
USAGE = 2
BUDGET = 124  # run: the token budget is used up
ERROR = 125  # pyvm itself could not: a refusal, a bad file, no compiler, a defect
INTERRUPTED = 130  # Ctrl-C: 128 + SIGINT
TRAPPED = 134  # run: a trap, or calls too deep; what a native process that aborts gives
TERMINATED = 143  # 128 + SIGTERM

_COMMON = f"{ERROR} pyvm itself could not, {USAGE} usage, {INTERRUPTED} Ctrl-C"
RUN_EPILOG = (
    "Exit statuses: the program's own (0 at its normal end), "
    f"{BUDGET} token budget used up, {TRAPPED} trap or calls too deep, {_COMMON}."
)
VERIFY_EPILOG = (
    f"Exit statuses: {OK} every trace is ok and complete, {WRONG} one is not, {_COMMON}."
)
DOCTOR_EPILOG = f"Exit statuses: {OK} programs can be run, {WRONG} they cannot, {USAGE} usage."
EPILOG = f"Exit statuses: {OK} done, {_COMMON}."
