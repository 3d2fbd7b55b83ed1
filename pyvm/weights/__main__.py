"""`python -m pyvm.weights FILE`: writes the standard model.

Without FILE it records the model's digest, by which pyvm.engine.standard knows it: to be done after
a change of what the builder gives.
"""

import hashlib
import sys
from pathlib import Path

from pyvm.files import write_file
from pyvm.weights import standard_model

data = standard_model().to_bytes()
if len(sys.argv) > 1:
    write_file(sys.argv[1], data)
else:
    line = f"{hashlib.sha256(data).hexdigest()}  standard.bin\n"
    write_file(Path(__file__).with_name("standard.sha256"), line.encode())
