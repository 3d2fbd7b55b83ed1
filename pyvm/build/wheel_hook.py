"""Hatch's build hook: a pure wheel with the C++ sources, or one of a platform with libtvm, too.
Either has the manual page and completion, for the folder share of where it is installed.

Enters: the environment variable PYVM_WHEEL: unset, or the folder of a library and its kernel
(pyvm/engine, where `python -m pyvm.build` places them).  Leaves: hatch's build data: the wheel's
tag and its extra files.

The tag is py3-none-<platform>: ctypes needs no particular Python, only the right machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LIBRARIES = ("libtvm.so", "libtvm.dylib", "tvm.dll")
KERNELS = ("standard_kernel.so", "standard_kernel.dll")


SOURCES = ("lib", "meson.build", "meson.options")


class WheelHook(BuildHookInterface[BuilderConfig]):
    share: tempfile.TemporaryDirectory[str]  # for as long as the hook is there

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        # `python -m pyvm.build` builds from these where there is no checkout.
        extra = {Path(self.root, name): f"pyvm/sources/{name}" for name in SOURCES}
        self.share = tempfile.TemporaryDirectory()
        write = [sys.executable, "-m", "pyvm.commands.share", self.share.name]
        subprocess.run(write, cwd=self.root, check=True)
        build_data["shared_data"][str(Path(self.share.name, "share"))] = "share"
        if chosen := os.environ.get("PYVM_WHEEL"):
            folder = Path(self.root, chosen)
            found = [path for path in (folder / name for name in LIBRARIES) if path.exists()]
            if len(found) != 1:
                raise FileNotFoundError(
                    "a wheel of a platform needs libtvm: run `python -m pyvm.build` first "
                    f"(found {len(found)} libraries in {folder})"
                )
            found += [path for path in (folder / name for name in KERNELS) if path.exists()]
            extra |= {path: f"pyvm/engine/{path.name}" for path in found}
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{platform}"
        build_data["force_include"] |= {str(path): name for path, name in extra.items()}
