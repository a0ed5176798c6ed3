"""The command line as a user meets it: real processes, exact messages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from golf.cli import DOORS, door
from tests.conftest import imports_of

BROKEN = {
    "misspelt": (
        "factors:\n  gate_widht: [12]\n",
        "m.yaml:2:3: unknown factor 'gate_widht'\n  did you mean 'gate_width'",
    ),
    "idle": (
        "factors:\n  gate_width: [24]\n",
        "m.yaml:2:16: model.gate_width changes nothing while model.attn_gate is none\n"
        "  set model.attn_gate to out_gate or sparse in row 'gate_width=24', or drop gate_width",
    ),
    "shape": (
        "rows:\n  odd: {head_dim: 48}\n",
        "m.yaml:2:19: model_dim 128 is not a multiple of head_dim 48; 96 and 144 are, and "
        "where depth x aspect_ratio gives the width, `width_rounding: up` makes it 144\n"
        "  in row 'odd'",
    ),
    "choice": (
        "baseline:\n  bits: 9\n",
        "m.yaml:2:9: quant.bits is one of 2, 3, 4, 5, 6, 7, 8, found 9",
    ),
    "several": (
        "preset: quickstrat\nseeds: [x]\nrows:\n  a: {parent: b}\n",
        "m.yaml:1:9: unknown preset 'quickstrat'\n  did you mean 'quickstart'?\n"
        "m.yaml:2:8: seeds is a list of whole numbers\n  for example [1337, 42]\n"
        "m.yaml:4:3: row 'a' names an unknown row 'b'",
    ),
}


def golf(*arguments: str, cwd: Path | str = "/") -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "golf", *arguments]
    return subprocess.run(line, capture_output=True, text=True, cwd=cwd, check=False)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_matrix_is_one_clear_message(name: str, tmp_path: Path) -> None:
    text, message = BROKEN[name]
    (tmp_path / "m.yaml").write_text(text)
    for command in ("plan", "run", "report", "show"):
        done = golf(command, "m.yaml", cwd=tmp_path)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.startswith(message), done.stderr


@pytest.mark.parametrize("command", DOORS)
def test_every_command_has_a_summary_and_an_example(command: str) -> None:
    done = golf(command, "--help")
    assert done.returncode == 0
    assert f"Example: golf {command}" in done.stdout
    assert done.stdout.splitlines()[2].strip().endswith(".")


def test_the_overview_tells_of_every_command_and_loads_none(tmp_path: Path) -> None:
    asked, bare = golf("--help"), golf()
    assert (asked.returncode, bare.returncode) == (0, 2)
    assert asked.stdout == golf("-h").stdout == bare.stderr
    commands = asked.stdout.partition("Commands:\n")[2].splitlines()
    assert [line.split(maxsplit=1) for line in commands] == [
        [name, str(door(name).__doc__).splitlines()[0]] for name in DOORS
    ]
    assert max(map(len, asked.stdout.splitlines())) <= 80
    loaded = imports_of("--help", cwd=tmp_path)
    assert not loaded & {"typer", "golf.commands", "golf.report.doors"}


@pytest.mark.parametrize("argument", ["--help", "factors"])
def test_a_reader_who_leaves_early_is_no_error(argument: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    line = [sys.executable, "-m", "golf", argument]
    env = {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(line, stdout=writer, stderr=subprocess.PIPE, check=False, env=env)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("argument", ["--help", "factors"])
def test_what_cannot_be_written_is_one_clear_message(argument: str) -> None:
    line = [sys.executable, "-m", "golf", argument]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, check=False, text=True)
    assert done.returncode != 0
    assert done.stderr.startswith("golf: No space left on device\n")
    assert "Traceback" not in done.stderr


def test_help_and_plan_import_neither_torch_nor_pandas(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("factors:\n  rope_dims: [16]\n")
    for arguments in (["--help"], ["plan", "m.yaml"], ["run", "m.yaml", "--dry-run"], ["factors"]):
        imported = imports_of(*arguments, cwd=tmp_path)
        assert "golf.cli" in imported
        assert not imported & {"torch", "pandas", "numpy", "scipy", "rich", "pydantic"}


def test_a_command_loads_what_it_needs_alone(tmp_path: Path) -> None:
    """Help reads no schema and no YAML; a plan without waves loads nothing that judges scores."""
    (tmp_path / "m.yaml").write_text("factors:\n  rope_dims: [16]\n")
    helped, planned = imports_of("--help", cwd=tmp_path), imports_of("plan", "m.yaml", cwd=tmp_path)
    assert not helped & {"yaml", "golf.config.schema", "golf.plan.graph", "golf.report.table"}
    assert {"yaml", "golf.config.schema", "golf.plan.graph"} <= planned
    assert not planned & {"golf.plan.staging", "golf.statistics.delta", "golf.report.doors"}


def test_a_misspelt_command_is_answered_with_the_closest_one() -> None:
    done = golf("reprot")
    assert done.returncode == 2
    assert "No such command 'reprot'. Did you mean 'report'?" in done.stderr


def test_the_version_is_printed() -> None:
    assert golf("--version").stdout.startswith("golf 0.")


def test_init_writes_a_matrix_that_plans_and_never_overwrites(tmp_path: Path) -> None:
    assert golf("init", "matrices/mine.yaml", cwd=tmp_path).returncode == 0
    before = (tmp_path / "matrices/mine.yaml").read_text()
    planned = golf("plan", "matrices/mine.yaml", cwd=tmp_path)
    assert planned.returncode == 0, planned.stderr
    assert "6 rows x 2 seeds" in planned.stdout
    again = golf("init", "matrices/mine.yaml", cwd=tmp_path)
    assert again.returncode == 2
    assert (tmp_path / "matrices/mine.yaml").read_text() == before
    named = golf("init", "my idea.yaml", cwd=tmp_path)
    assert named.stdout.endswith("next: golf plan 'my idea.yaml'\n")
    assert golf("plan", "my idea.yaml", cwd=tmp_path).returncode == 0
    assert "already a folder here" in golf("init", "matrices", cwd=tmp_path).stderr


def test_a_plan_in_json_has_the_stable_keys(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("baseline: {ttt: sgd}\nrows:\n  int4: {bits: 4}\n")
    plan = json.loads(golf("plan", "m.yaml", "--json", cwd=tmp_path).stdout)
    assert [r["row"] for r in plan["rows"]] == ["baseline", "int4"]
    assert [r["nodes"] for r in plan["rows"]] == [{"run": 5, "reuse": 0}] * 2
    assert plan["nodes"] == {"run": 8, "reuse": 0}
    assert [r["reasons"] for r in plan["rows"]] == [{"never run": 5}] * 2
    assert (plan["size"], plan["seconds"], plan["predicted_from"]) == ("small", None, 0)
    assert all(type(r["params"]) is int for r in plan["rows"])


def test_show_tells_where_each_value_comes_from(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(
        "baseline: {depth: 3}\nrows:\n  a: {GATE_WIDTH: 8, attn_gate: out_gate}\n"
    )
    shown = golf("show", "m.yaml", "a", "--set", "mlp_mult=2", cwd=tmp_path).stdout
    lines = {line.split()[0]: line.split(maxsplit=2)[1:] for line in shown.splitlines()[1:]}
    assert lines["model.depth"] == ["3", "m.yaml:1:19"]
    assert lines["model.gate_width"] == ["8", "m.yaml:3:19"]
    assert lines["model.mlp_mult"] == ["2", "--set mlp_mult=2"]
    assert lines["model.head_dim"] == ["32", "default"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["report"], "no matrix was run here yet"),
        (["plan", "none.yaml"], "none.yaml: no such file"),
        (["factors", "gate_widht"], "unknown factor 'gate_widht'"),
        (["plan", "m.yaml", "--profile", "cup"], "no profile 'cup'"),
        (["plan", "m.yaml", "--set", "depth"], "--set depth: wants NAME=VALUE"),
        (["plan", "m.yaml", "--set", "depth=x"], "--set depth=x: model.depth wants int, found 'x'"),
        (["show", "m.yaml", "basline"], "m.yaml: no row 'basline'\n  did you mean 'baseline'?"),
        (["report", "m.yaml", "--format", "pdf"], "no format 'pdf'"),
    ],
)
def test_mistakes_on_the_command_line_are_told_plainly(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "m.yaml").write_text("baseline: {depth: 3}\n")
    done = golf(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_commands_work_from_any_directory(tmp_path: Path) -> None:
    matrix = tmp_path / "matrices" / "m.yaml"
    matrix.parent.mkdir()
    matrix.write_text("baseline: {depth: 3}\n")
    shown = golf("show", str(matrix)).stdout
    assert f" {tmp_path}/runs/train/" in shown


def test_a_report_before_any_run_shows_dashes(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("baseline: {depth: 3}\n")
    done = golf("report", "m.yaml", cwd=tmp_path)
    assert done.returncode == 0
    assert "**1 of 1 cells missing**" in done.stdout
    assert not (tmp_path / "reports").exists(), "an empty report would replace a full one"


def test_a_file_in_a_folders_place_is_told_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("baseline: {depth: 3}\n")
    (tmp_path / "runs").write_text("")
    done = golf("plan", "m.yaml", "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert "runs" in done.stderr
    assert "Traceback" not in done.stderr
