"""A run as a page: one HTML file that shows every position of a trace.

Enters: a run, and the program where it is known.  Leaves: `View`, a page without a network.

data.py takes out of a run what the page draws; evaluate.py computes the network's values and where
each head looks; html.py joins page/ and the data into one file.
"""

from pyvm.view.html import View

__all__ = ["View"]
