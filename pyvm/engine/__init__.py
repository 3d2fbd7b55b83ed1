"""The engine: libtvm bound with ctypes, and a slow dense forward pass in numpy as the truth.

Enters: model files and token ids.  Leaves: runs and checks.
"""
