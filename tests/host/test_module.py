"""The host module that is shipped."""

from __future__ import annotations

import pytest

from pyvm import helpers
from pyvm.host.build import compiled
from pyvm.host.module import BINARY, host_module


@pytest.mark.skipif(helpers.zig() is None, reason="the zig wheel is not installed")
def test_it_is_what_the_command_makes() -> None:
    assert BINARY.read_bytes() == compiled()


def test_it_has_the_whole_first_version_of_wasi() -> None:
    exported = {item.name.partition(".")[2] for item in host_module().exports}
    assert exported >= set(
        "args_get args_sizes_get environ_get environ_sizes_get clock_res_get clock_time_get "
        "fd_advise fd_allocate fd_close fd_datasync fd_fdstat_get fd_fdstat_set_flags "
        "fd_fdstat_set_rights fd_filestat_get fd_filestat_set_size fd_filestat_set_times fd_pread "
        "fd_prestat_get fd_prestat_dir_name fd_pwrite fd_read fd_readdir fd_renumber fd_seek "
        "fd_sync fd_tell fd_write path_create_directory path_filestat_get path_filestat_set_times "
        "path_link path_open path_readlink path_remove_directory path_rename path_symlink "
        "path_unlink_file poll_oneoff proc_exit proc_raise sched_yield random_get sock_accept "
        "sock_recv sock_send sock_shutdown".split()
    )


def test_it_keeps_nothing_in_the_memory_of_programs() -> None:
    """No data and no table; the pointer to a stack in memory is there, and nobody touches it."""
    module = host_module()
    assert not module.data and not module.elements
    used = {instr.op for body in module.bodies for instr in body.code}
    assert not used & {"global.get", "global.set", "call_indirect", "memory.grow"}
