"""Trace files verified by dask.distributed: two workers on this machine, of which one is killed."""

from __future__ import annotations

import os
import random
import signal
import threading
import time

import pytest

import pyvm
from pyvm.engine.recording import Recording
from trace_parts import Parts, changed

distributed = pytest.importorskip(
    "distributed", reason="needs dask.distributed: libtvm[distributed]"
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dask")
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            local_directory=str(folder),
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_two_workers_of_which_one_is_killed(model, cluster, tmp_path):
    program = pyvm.compile("collatz", input="27")
    path = tmp_path / "a.trace"
    with Recording(model, program.tokens(), path, spacing=2000) as recording:
        count = sum(piece.size for piece in recording.pieces())
    with cluster.get_executor() as pool:
        check = model.verify(path, executor=pool)
        assert check.ok and check.complete and check.checked == count

        # What a worker does takes long enough for it to be killed while it works.
        victim = next(iter(cluster.run(os.getpid).values()))
        kill = threading.Timer(0.05, os.kill, (victim, signal.SIGKILL))
        kill.start()
        begin = time.monotonic()
        while kill.is_alive() or time.monotonic() - begin < 0.5:
            check = model.verify(path, executor=pool)
            assert check.ok and check.complete and check.checked == count


def test_what_is_wrong_is_found_there(model, cluster, tmp_path):
    path = tmp_path / "a.trace"
    program = pyvm.compile("collatz", input="7")
    with Recording(model, program.tokens(), path, spacing=2000) as recording:
        list(recording.pieces())
    with cluster.get_executor() as pool:
        parts = Parts(path)
        parts.tokens[7][5] ^= 1
        check = model.verify(parts.write(tmp_path / "b.trace"), executor=pool)
        assert not check.ok and check.first_mismatch == parts.first[7] + 5
        parts = Parts(path)
        parts.changes[7] = changed(parts.changes[7], random.Random(4))
        assert not model.verify(parts.write(tmp_path / "b.trace"), executor=pool).ok
        parts = Parts(path)
        parts.changes[3], parts.changes[4] = parts.changes[4], parts.changes[3]
        check = model.verify(parts.write(tmp_path / "b.trace"), executor=pool)
        assert not check.ok and check.wrong_border == parts.first[3] + 1999
