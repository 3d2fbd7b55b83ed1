"""Hatch's build hook: a pure wheel, or when asked a wheel of one platform with libtvm inside.

Enters: the environment variable PYVM_WHEEL ("platform" or unset) and the library that
`python -m pyvm.build` placed, with its kernel.  Leaves: hatch's build data: the wheel's tag and its
extra files.

The tag is py3-none-<platform>: ctypes needs no particular Python, only the right machine.
"""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LIBRARIES = ("libtvm.so", "libtvm.dylib", "tvm.dll")
KERNELS = ("standard_kernel.so", "standard_kernel.dll")


class WheelHook(BuildHookInterface[BuilderConfig]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if os.environ.get("PYVM_WHEEL") != "platform":
            return
        found = [
            path for path in (Path(self.root, "pyvm/engine", n) for n in LIBRARIES) if path.exists()
        ]
        if len(found) != 1:
            raise FileNotFoundError(
                "a platform wheel needs libtvm: run `python -m pyvm.build` first "
                f"(found {len(found)} libraries in pyvm/engine)"
            )
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"
        for path in (*found, *(Path(self.root, "pyvm/engine", name) for name in KERNELS)):
            if path.exists():
                build_data["force_include"][str(path)] = f"pyvm/engine/{path.name}"
