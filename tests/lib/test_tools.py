"""Benchmarks run and say what they promise; synthetic models are as sparse as asked."""

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from pyvm.engine.library import build_info
from pyvm.engine.model import Model
from pyvm.weights.model_file import ModelFile

TOOLS = Path(__file__).parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
from make_synthetic_model import synthetic_model  # noqa: E402

SIZES = {"vocabulary": 40, "width": 20, "layers": 3, "heads": 6, "neurons": 24}


def test_same_arguments_same_bytes():
    assert synthetic_model(**SIZES, sparsity=0.5, seed=3) == synthetic_model(
        **SIZES, sparsity=0.5, seed=3
    )
    assert synthetic_model(**SIZES, sparsity=0.5, seed=3) != synthetic_model(
        **SIZES, sparsity=0.5, seed=4
    )


@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.9, 1.0])
def test_sparsity_is_as_asked(sparsity):
    model = ModelFile.from_bytes(synthetic_model(**SIZES, sparsity=sparsity, seed=1))
    weights = np.concatenate([layer.w_in[:, 3:].ravel() for layer in model.layers])
    assert abs((weights == 0).mean() - sparsity) < 0.05


@pytest.mark.parametrize("sparsity", [0.0, 0.9])
def test_all_projections_agree(sparsity):
    projections = ["dense", "sparse"] + (["blas"] if build_info()["blas"] else [])
    with Model(synthetic_model(**SIZES, sparsity=sparsity, seed=2)) as model:
        runs = [
            model.generate(np.arange(5, dtype=np.int32), limit=300, path="layers", projection=name)
            for name in projections
        ]
    for run in runs[1:]:
        assert np.array_equal(run.tokens, runs[0].tokens)


@pytest.mark.parametrize("wrong", [{"heads": 11}, {"width": 7}, {"sparsity": 1.5}])
def test_impossible_sizes_are_refused(wrong):
    with pytest.raises(ValueError):
        synthetic_model(**{**SIZES, "sparsity": 0.0, "seed": 0, **wrong})


def tool(name: str, *arguments: str) -> str:
    """What a tool prints on stdout."""
    command = [sys.executable, str(TOOLS / name), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def test_bench_rows_are_complete():
    names = "dense, hull;sparse, kinds;verify: sparse, kinds, 2 threads"
    output = tool(
        "bench.py", "--programs", "hello,collatz:6", "--variants", names,
        "--tokens", "200", "--rounds", "2", "--json", "-",
    )  # fmt: skip
    found = json.loads(output)
    assert found["build"] == build_info()
    assert len(found["rows"]) == 2 * 3 * 2
    for row in found["rows"]:
        assert {"program", "mode", "path", "projection", "attention", "bypass", "threads"} < set(
            row
        )
        assert row["tokens_per_s"] == row["tokens"] / row["seconds"]
        assert 0 < row["in_projections"] < 1
    assert {row["threads"] for row in found["rows"]} == {1, 2}
    assert {row["program"] for row in found["rows"]} == {"hello", "collatz:6"}


def test_bench_refuses_an_unknown_variant():
    command = [sys.executable, str(TOOLS / "bench.py"), "--variants", "fast"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "unknown variant 'fast'" in done.stderr


MEASURING = {
    "bench.py": ("--programs", "hello", "--variants", "sparse, kinds;plan", "--tokens", "90"),
    "bench_bypass.py": ("--program", "hello", "--tokens", "90", "--rounds", "1"),
    "bench_first.py": ("--programs", "hello", "--tokens", "90", "--rounds", "1"),
    "bench_length.py": ("--program", "hello", "--lengths", "90,99", "--rounds", "1"),
    "bench_programs.py": ("siphash",),
    "bench_start.py": ("--rounds", "1"),
    "bench_trace.py": ("--programs", "hello", "--tokens", "90", "--rounds", "1"),
    "soak.py": ("--tokens", "900,1900"),
    "sweep_sparsity.py": (
        *("-V", "40", "-D", "20", "-L", "2", "-H", "2", "-F", "16", "--rounds", "1"),
        *("--tokens", "90", "--sparsities", "0,0.5"),
    ),
}


@pytest.mark.parametrize("name", MEASURING)
def test_figures_are_left_in_files_with_what_gave_them(name, tmp_path):
    if name == "bench_programs.py":
        pytest.importorskip("wasmtime")
        pytest.importorskip("ziglang")
    files = {option: tmp_path / option for option in ("json", "tsv", "plot")}
    options = [word for option, path in files.items() for word in (f"--{option}", str(path))]
    printed = tool(name, *MEASURING[name], *options)
    assert printed.startswith(("|", "tokens/s", "hello")) and "build: {" in printed
    found = json.loads(files["json"].read_text())
    assert found["command"].startswith(f"{name} {MEASURING[name][0]} ")
    assert found["build"] == build_info()
    said, built, columns, *lines = files["tsv"].read_text().splitlines()
    assert said == f"# command: {found['command']}" and built.startswith("# build: {")
    assert len(lines) == len(found["rows"]) > 0
    for line, row in zip(lines, found["rows"]):
        cells = dict(zip(columns.split("\t"), line.split("\t"), strict=True))
        assert cells == {key: "" if value is None else str(value) for key, value in row.items()}
    if not re.match("bench_(first|programs|start|trace)", name):  # those are without layers
        shares = [row["in_projections"] for row in found["rows"]]
        plan = name == "soak.py"
        assert plan == all(part is None for part in shares)
        assert all(part is None or 0 < part < 1 for part in shares)
    drawn = ElementTree.fromstring(files["plot"].read_text())
    assert drawn.tag.endswith("svg") and len(list(drawn)) > 4


@pytest.mark.parametrize("name", sorted(MEASURING))
def test_help_shows_the_command_behind_the_published_table(name):
    said = " ".join(tool(name, "--help").split())
    command = said.rpartition("The table in tools/README.md: ")[2]
    page = " ".join((TOOLS / "README.md").read_text().split())
    assert command.startswith(f"tools/{name}") and f"`{command}`" in page


def test_the_ablation_names_every_bypass():
    output = tool("bench_bypass.py", "--program", "hello", "--tokens", "200", "--rounds", "1")
    for line in ("sequential", "batched", "+ passthrough", "+ gather", "+ all"):
        assert f"| {line}" in output
    assert "1.0 x" in output


def test_the_sweep_names_the_crossover():
    sizes = ("-V", "40", "-D", "20", "-L", "2", "-H", "2", "-F", "16")
    output = tool(
        "sweep_sparsity.py", *sizes, "--tokens", "200", "--rounds", "1", "--sparsities", "0,1"
    )
    assert "| 0 %" in output and "| 100 %" in output and "sequential: sparse" in output


def test_lengths_are_measured_in_fresh_processes():
    output = tool("bench_length.py", "--program", "hello", "--lengths", "100,200", "--rounds", "1")
    assert "| 100 " in output and "| 200 " in output and " MB |" in output


def test_check_variants_covers_every_option():
    output = tool(
        "check_variants.py", "--programs", "hello", "--tokens", "50", "--sequential", "--json"
    )
    rows = json.loads(output)["rows"]
    projections = {"dense", "sparse"} | ({"blas"} if build_info()["blas"] else set())
    layers = {
        (row["mode"], row["projection"], row["attention"], row["bypass"])
        for row in rows
        if row["path"] == "layers"
    }
    assert len(layers) == 2 * len(projections) * 2 * 4
    assert all(row["exact"] and row["first_difference"] is None for row in rows)
