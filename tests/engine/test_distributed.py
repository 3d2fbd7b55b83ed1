"""Trace files verified by dask.distributed: two workers on this machine, of which one is killed."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

import pyvm
from pyvm.engine.recording import Recording

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
