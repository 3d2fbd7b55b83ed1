"""A process may end while a daemon thread is in a run: with its own exit status, and quietly."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys, threading, time
import numpy as np
from pyvm.engine.executor import execute
from pyvm.engine.model import Model
from pyvm.isa.tokens import parse

endless = parse("{ br ff ff ff ff halt 00 00 00 00 }")
model, begun = Model(sys.argv[1]), threading.Event()
def told(tokens):
    begun.set()
def verify(path):
    begun.set()
    tokens = np.tile(np.concatenate((endless, endless)), 400_000)
    model.verify(tokens, 1, path=path, predicted=True, attention="auto")
runs = {
    "generate on the plan": lambda: model.generate(endless, 0, told, False),
    "generate by layers": lambda: model.generate(endless, 0, told, False, path="layers"),
    "the executor": lambda: execute(endless, 0, told, False),
    "verify on the plan": lambda: verify("plan"),
    "verify by layers": lambda: verify("layers"),
}
def run():
    runs[sys.argv[2]]()
    print("the run ended")
threading.Thread(target=run, daemon=True).start()
begun.wait()
time.sleep(0.05)
"""


@pytest.mark.parametrize(
    "run",
    [
        "generate on the plan",
        "generate by layers",
        "the executor",
        "verify on the plan",
        "verify by layers",
    ],
)
def test_a_daemon_thread_in_a_run_does_not_disturb_the_exit(model_path, run):
    command = [sys.executable, "-c", SCRIPT, str(model_path), run]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
