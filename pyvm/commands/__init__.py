"""The commands behind `pyvm`: one module each, with `add` (its options) and what it does.

Enters: parsed options.  Leaves: an exit status; results on stdout, everything else on stderr.
"""
