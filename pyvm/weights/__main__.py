"""`python -m pyvm.weights [MACHINE FILE]`: writes a machine as a model file.

Without arguments it records the digests of the machines, by which pyvm.engine.standard knows them:
to be done after a change of what the builder gives.
"""

import hashlib
import sys
from pathlib import Path

from pyvm.files import write_file
from pyvm.weights import machine_model

if len(sys.argv) > 1:
    machine, path = sys.argv[1:]
    write_file(path, machine_model(machine).to_bytes())
else:
    lines = (
        f"{hashlib.sha256(machine_model(machine).to_bytes()).hexdigest()}  {machine}.bin\n"
        for machine in ("base", "standard")
    )
    write_file(Path(__file__).with_name("machines.sha256"), "".join(lines).encode())
