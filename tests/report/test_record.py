"""The challenge's rule in reports and comparisons, against scipy on the same seeds."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from golf.report.formats import as_json
from golf.report.markdown import render
from golf.report.table import analyze
from golf.report.tables.record import nats, record_table
from tests.report.made import row, study

OLD, NEW = [1.0641, 1.0638, 1.0644], [1.0581, 1.0583, 1.0580]
COUNTS = {"scored_bytes": 3726.6, "scored_targets": 1000.0}
PER_TOKEN = 3.7266


def scored(posts: list[float], ttts: list[float | None] | None = None) -> dict[int, list[Any]]:
    return {
        s: [None, p, t] for s, (p, t) in enumerate(zip(posts, ttts or [None] * 9, strict=False))
    }


def lines(*rows: tuple[Any, list[dict[str, Any]]]) -> dict[str, dict[str, str]]:
    table = record_table(analyze(study(*rows)))
    assert table is not None
    return {r[0]: dict(zip(table.columns, r, strict=True)) for r in table.rows}


def test_rows_are_held_against_their_parents_by_welch_though_seeds_match() -> None:
    found = lines(
        row("base", scored(OLD), **COUNTS),
        row("good", scored(NEW), "base", **COUNTS),
        row("close", scored([x + 0.0045 for x in NEW]), "base", **COUNTS),
    )
    margin = 0.005 / (math.log(2) * PER_TOKEN)
    test = stats.ttest_ind(NEW, np.subtract(OLD, margin), equal_var=False, alternative="less")
    good = found["good"]
    assert float(good["t"]) == pytest.approx(-test.statistic, abs=5e-3)
    assert float(good["df"]) == pytest.approx(test.df, abs=5e-3)
    assert float(good["p"]) == pytest.approx(test.pvalue, rel=0.5)
    gain = (np.mean(OLD) - np.mean(NEW)) * math.log(2) * PER_TOKEN
    assert float(good["Gain, nats/token"]) == pytest.approx(gain, abs=5e-5)
    assert (good["Record"], found["close"]["Record"]) == ("passes", "no")


def test_the_last_score_of_each_row_counts() -> None:
    found = lines(
        row("base", scored(OLD), **COUNTS),
        row("adapted", scored([2.0, 2.0, 2.0], NEW), "base", **COUNTS),
    )
    assert found["adapted"]["Score"] == "Post-TTT vs Post-quant"
    assert found["adapted"]["Record"] == "passes"


def test_one_seed_is_no_record_however_good() -> None:
    found = lines(row("base", scored(OLD), **COUNTS), row("lone", scored([0.5]), "base", **COUNTS))
    assert found["lone"]["Record"] == "not tested: one seed"
    assert found["lone"]["n"] == "1 vs 3"


def test_without_bytes_per_token_there_is_nothing_to_say() -> None:
    made = study(row("base", scored(OLD)), row("good", scored(NEW), "base"))
    assert record_table(analyze(made)) is None
    assert json.loads(as_json(analyze(made)))["rows"][1]["record"] is None


def test_report_and_json_say_what_is_needed() -> None:
    found = analyze(
        study(row("base", scored(OLD), **COUNTS), row("g", scored(NEW), "base", **COUNTS))
    )
    text = render(found)
    assert "### The challenge's rule" in text
    assert "0.00194 at 3.7266 bytes per token" in text
    record = json.loads(as_json(found))["rows"][1]["record"]
    assert record["passed"] is True
    assert record["needed_bpb"] == pytest.approx(0.005 / (math.log(2) * PER_TOKEN))


def test_a_gain_is_never_rounded_up_to_the_rule() -> None:
    assert nats(0.00499999) == "+0.00499999"
    assert nats(0.005) == "+0.0050"
    assert nats(-0.001) == "−0.0010"


TIDY = "row,seed,post,scored_bytes,scored_targets\n" + "".join(
    f"{name},{seed},{value},3726.6,1000\n"
    for name, values in (("old", OLD), ("new", NEW))
    for seed, value in enumerate(values)
)


def compared(folder: Path, *arguments: str, code: int = 0) -> str:
    line = [sys.executable, "-m", "golf", "compare", *arguments]
    done = subprocess.run(line, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout if not code else done.stderr


def test_compare_says_it_for_its_candidate(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(TIDY)
    (line,) = json.loads(compared(tmp_path, "r.csv:old", "r.csv:new", "--json"))["record"]
    assert (line["row"], line["against"], line["passed"]) == ("new", "old", True)
    sides = [f"--{n}={','.join(map(str, v))}" for n, v in (("candidate", NEW), ("baseline", OLD))]
    asked = json.loads(compared(tmp_path, *sides, "--bytes-per-token", "3.7266", "--json"))
    assert asked["record"]["passed"] is True
    assert line["p"] == pytest.approx(asked["record"]["p"])
    assert "record     passes: gain +0.0154 nats per token" in compared(
        tmp_path, *sides, "--bytes-per-token", "3.7266"
    )


def test_compare_takes_bytes_per_token_that_a_source_does_not_tell(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(TIDY.replace("scored_", "other_"))
    assert "record" not in json.loads(compared(tmp_path, "r.csv:old", "r.csv:new", "--json"))
    told = compared(tmp_path, "r.csv:old", "r.csv:new", "--bytes-per-token", "3.7266")
    assert "The challenge's rule" in told
    sides = ("r.csv:old", "r.csv:new", "--bytes-per-token", "0")
    assert "--bytes-per-token lies between 0.001" in compared(tmp_path, *sides, code=2)
