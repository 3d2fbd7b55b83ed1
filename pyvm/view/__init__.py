"""A run as a page: one HTML file that shows every position of a trace, or what took its tokens.

Enters: a run, and the program where it is known.  Leaves: `View` and `Profile`, pages that need no
network.

data.py takes out of a run what the page draws; evaluate.py computes the network's values and where
each head looks; html.py joins page/ and the data into one file; profile.py counts tokens.
"""

from pyvm.view.html import View
from pyvm.view.profile import Profile, profile

__all__ = ["Profile", "View", "profile"]
