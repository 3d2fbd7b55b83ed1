"""An instruction that the columns of the table describe is one row more, and nothing else."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Loads of three bytes: no such instruction exists anywhere else in the tree.
SCRIPT = r"""
import sys, types
from pathlib import Path

path = Path("pyvm/isa/instructions.py").resolve()
last = '    _row("output",'
row = '    _row("i32.load24_s", None, 1, 1, 4, ADDRESS, CELL, COMMIT, ADDRESS, "3s"),\n'
text = path.read_text()
assert text.count(last) == 1
import pyvm.isa
module = types.ModuleType("pyvm.isa.instructions")
sys.modules["pyvm.isa.instructions"] = pyvm.isa.instructions = module
exec(compile(text.replace(last, row + last), str(path), "exec"), module.__dict__)

from cases import instructions, prompt
from pyvm.graph.evaluate import generate
from pyvm.graph.machine import build_machine
from pyvm.isa.executor import Executor
from pyvm.isa.header import header
from pyvm.isa.tokens import TOKEN_ID, VOCABULARY

assert "i32.load24_s" in VOCABULARY and "i32_load24_s" in header()
program = '''
i32.const 1000
i32.const 0x81828384
i32.store
i32.const 1000
i32.load24_s
output
i32.const 998
i32.load24_s 3
output
halt
'''
expected = list(Executor(tuple(instructions(program))).run())
tokens = generate(build_machine(), prompt(program), TOKEN_ID["halt"], 1000)
found = [VOCABULARY[token] for token in tokens]
assert found == expected, (found, expected)
assert found[20:25] == ["84", "83", "82'", "ff'", "commit(+0,sts=1,bt=0)"]
print("same")
"""


def test_one_row_is_all_that_an_instruction_needs():
    path = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests')!r}]\n"
    done = subprocess.run(
        [sys.executable, "-c", path + SCRIPT], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == "same\n", done.stderr
