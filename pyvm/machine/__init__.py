"""Machines of your own: transformers with constructed weights, written as a graph.

    from pyvm.machine import Machine, Token

Enters: the tokens of a language, and expressions of what each position knows.  Leaves: a `Model`
whose greedy decoding runs the machine, as exact and as fast as the one that executes WebAssembly.

README.md beside this file explains the language; examples/ has three machines with a page each.
"""

from __future__ import annotations

from pyvm.machine.checks import MachineError
from pyvm.machine.machine import Machine
from pyvm.machine.tokens import Token

__all__ = ["Machine", "MachineError", "Token"]
