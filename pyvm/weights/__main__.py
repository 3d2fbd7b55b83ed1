"""`python -m pyvm.weights FILE`: writes the standard model."""

import sys

from pyvm.files import write_file
from pyvm.weights import standard_model

write_file(sys.argv[1], standard_model().to_bytes())
