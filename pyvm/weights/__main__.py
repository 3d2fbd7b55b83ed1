"""`python -m pyvm.weights FILE`: writes the standard model."""

import sys
from pathlib import Path

from pyvm.weights import standard_model

Path(sys.argv[1]).write_bytes(standard_model().to_bytes())
