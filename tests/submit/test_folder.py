"""The folder that ``golf submit`` writes: its numbers, its script, its logs, its marks."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from scipy import stats

from tests.conftest import imports_of
from tests.submit.conftest import HOSTILE, Finished

SCHEMA = json.loads((Path(__file__).parents[1] / "data/submission.schema.json").read_text())
FILES = {
    "README.md", "matrix.yaml", "requirements.txt", "submission.json", "train_gpt.log",
    "train_gpt.py", *(f"train_seed{s}.log" for s in (1, 2, 3)),
}  # fmt: skip


def read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "submission.json").read_text())
    jsonschema.validate(found, SCHEMA)
    return found


@pytest.fixture(scope="session")
def folder(original: Finished) -> Path:
    """A whole folder: its script was run."""
    told, said = original.submit("--author", "Ada", "--github-id", "ada", "--seed", "2")
    assert "running train_gpt.py once, seed 2" in said
    (made,) = original.root.glob("records/track_non_record_16mb/*_int4")
    assert f"wrote {os.path.relpath(made, original.root)}\n" in told
    return made


def test_a_whole_folder_has_every_file_and_nothing_else(original: Finished, folder: Path) -> None:
    assert {f.name for f in folder.iterdir()} == FILES
    assert [f.name for f in folder.parent.iterdir()] == [folder.name]
    frozen = original.root / "frozen.py"
    line = ["freeze", "matrices/tiny.yaml", "--row", "int4", "--seed", "2", "-o", str(frozen)]
    subprocess.run([sys.executable, "-m", "golf", *line], cwd=original.root, check=True)
    assert (folder / "train_gpt.py").read_bytes() == frozen.read_bytes()
    assert "brotli>=1.2" in (folder / "requirements.txt").read_text().splitlines()
    assert str(original.root) not in "".join(f.read_text("latin-1") for f in folder.iterdir())


def test_its_numbers_are_those_on_record(original: Finished, folder: Path) -> None:
    found, cells = read(folder), original.cells()
    scores = [original.measures(c.ttt)["bpb"] for c in cells.values()]
    assert found["score"] == "post-TTT"
    assert found["val_bpb"] == pytest.approx(statistics.mean(scores), rel=1e-14)
    assert found["val_bpb_std"] == pytest.approx(statistics.stdev(scores), rel=1e-12)
    code = (folder / "train_gpt.py").stat().st_size
    assert code == original.measures(original.cells()[2].quantize)["code_bytes"]
    for seed, cell in cells.items():
        told, model = found["seed_results"][str(seed)], original.paths.node(*cell.quantize.id)
        assert told["val_bpb"] == original.measures(cell.ttt)["bpb"]
        assert told["pre_quant_val_bpb"] == original.measures(cell.pre["chunked"])["bpb"]
        assert told["artifact_bytes"] == model.artifact.stat().st_size + code
    assert found["bytes_total"] == max(r["artifact_bytes"] for r in found["seed_results"].values())


def test_the_test_is_welchs_against_the_baseline(original: Finished, folder: Path) -> None:
    found = read(folder)
    mine, base = (
        [original.measures(c.ttt)["bpb"] for c in original.cells(row).values()]
        for row in ("int4", "baseline")
    )
    margin = 0.005 / (math.log(2) * found["bytes_per_token"])
    shifted = [b - margin for b in base]
    reference = stats.ttest_ind(mine, shifted, equal_var=False, alternative="less")
    assert found["p_value"] == pytest.approx(reference.pvalue, rel=1e-9)
    assert found["t_statistic"] == pytest.approx(-reference.statistic, rel=1e-9)
    assert found["df"] == pytest.approx(reference.df, rel=1e-9)


def test_what_is_met_is_told_from_what_is_not(folder: Path) -> None:
    found = read(folder)
    assert found["complete"] is True
    unmet = {n for n, met in found["compliance"].items() if met is False}
    assert unmet - {"one_source"} == {"on_8xh100", "whole_validation", "significant_gain"}
    assert found["compliance"]["script_reproduces"] is True
    assert found["compliance"]["score_first_ttt"] is True
    page = (folder / "README.md").read_text()
    assert "**Incomplete" not in page
    assert "❌ not met" in page
    assert f"{found['val_bpb']:.4f} bits per byte, mean of 3 seeds" in page
    assert "bit for bit" in page


def test_its_logs_are_read_back_to_the_same_numbers(original: Finished, folder: Path) -> None:
    logs = sorted(map(str, folder.glob("train_seed*.log")))
    line = [sys.executable, "-m", "golf", "import", *logs, "--dry-run", "--json"]
    done = subprocess.run(line, capture_output=True, text=True, check=True, cwd=folder)
    runs = {run["seed"]: run for run in json.loads(done.stdout)["runs"]}
    for seed, told in read(folder)["seed_results"].items():
        run = runs[int(seed)]
        assert run["steps"] == told["steps"]
        assert run["artifact_bytes"] == told["artifact_bytes"]
        for name, mine in (("pre_quant", "pre_quant_val_bpb"), ("post_ttt", "val_bpb")):
            assert run[f"{name}_bpb"] == pytest.approx(told[mine], abs=5e-9)


def test_a_folder_without_the_run_is_marked_and_needs_no_torch(finished: Finished) -> None:
    line = ["submit", "matrices/tiny.yaml", "--row", "int4", "--no-run", "-o", "out"]
    assert not imports_of(*line, cwd=finished.root) & {"torch", "pandas", "matplotlib"}
    found = read(finished.root / "out")
    assert (found["complete"], found["compliance"]["script_reproduces"]) == (False, None)
    page = (finished.root / "out" / "README.md").read_text()
    assert page.splitlines()[2].startswith("> **Incomplete: train_gpt.py is not known to give")
    assert not (finished.root / "out" / "train_gpt.log").exists()


def test_a_hostile_name_stays_in_its_folder_and_its_cell(finished: Finished) -> None:
    finished.submit("--no-run", row=HOSTILE)
    (made,) = finished.root.glob("records/*/*")
    assert made.name.split("_", 1)[1] == "a-b-i-c-i-..-d"
    found = read(made)
    assert (found["row"], found["val_bpb_std"], found["p_value"]) == (HOSTILE, None, None)
    assert found["compliance"]["three_seeds"] is False
    page = (made / "README.md").read_text()
    assert page.startswith("# a\\|b &lt;i&gt;\\`c\\`&lt;/i&gt;/../\\*d\\*\n")
