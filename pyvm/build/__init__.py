"""The build helper: from C++ sources to libtvm beside pyvm/engine.

Enters: the sources of a checkout.  Leaves: build/ and the placed library.
Run it as `python -m pyvm.build`; Meson and Ninja come from their wheels, the
extra `build`.
"""
