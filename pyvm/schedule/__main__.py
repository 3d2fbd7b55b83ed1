"""`python -m pyvm.schedule`: solves and writes the shipped schedules, one for each machine.

Both have the fewest layers that there can be.  The structure of a specialised machine is the same
for every program, so one schedule serves all of them.
"""

from pathlib import Path

from pyvm.files import write_file
from pyvm.graph.machine import build_machine
from pyvm.graph.specialize import ProgramTable
from pyvm.schedule.solve import earliest, solve

SMALL = ProgramTable([("i32.const", 0x01010101), ("drop", 0x05070605), ("halt", 0)])

for machine in ("base", "standard"):
    for name, program in ((machine, None), (f"special_{machine}", SMALL)):
        graph = build_machine(machine, program)
        schedule = solve(graph, max(earliest(graph).values()))
        write_file(Path(__file__).with_name(f"{name}.json"), schedule.to_json().encode())
        print(f"{name}: {schedule.layers} layers, width {schedule.width}. {schedule.proof}")
