"""Reports of numbers that someone already has: published tables reproduce, traps are said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from golf.errors import GolfError
from golf.report.cautions import cautions
from golf.report.export import as_results
from golf.report.table import Analysis, analyze
from golf.report.tables.judged import greedy_table, statuses
from golf.report.tables.shape import Table
from golf.report.tidy import read_tidy

PUBLISHED = Path(__file__).parents[1] / "data" / "published"


def analyzed(path: Path, baseline: str = "") -> Analysis:
    return analyze(read_tidy(path, baseline))


def written(folder: Path, text: str, name: str = "runs.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


def read(table: Table | None) -> list[dict[str, str]]:
    assert table is not None
    return [dict(zip(table.columns, cells, strict=True)) for cells in table.rows]


def test_the_published_deltas_of_pull_request_1970_reproduce() -> None:
    found = analyzed(PUBLISHED / "pr1970.csv")
    published = [0.003, 0.003, 0.002, 0.015, 0.000, 0.002, -0.003]
    deltas = [row.delta("ttt_bpb") for row in found.table[1:]]
    assert deltas == pytest.approx(published, abs=5.5e-4)
    assert not [w for w in cautions(found) if "published delta" in w]


def test_the_confounds_of_pull_request_1970_are_said() -> None:
    said = "\n".join(cautions(analyzed(PUBLISHED / "pr1970.csv")))
    assert "MiB beside decimal MB" in said
    assert "v2_slope00 (15.16 for 15,892,782 bytes)" in said
    assert "rope24: model.rope_dims changes the shape of no tensor" in said
    assert "v2_slope03, v2_slope00, v2_gate32 against v2_baseline" in said
    assert "One seed only" in said


def test_the_greedy_log_of_pull_request_1125_reproduces() -> None:
    found = analyzed(PUBLISHED / "pr1125.csv")
    lines = read(greedy_table(found))
    verdicts = {row.row: row.info.note for row in found.table}
    assert len(lines) == 31
    # Run 28 was discarded although its number is 0.0001 below its parent's.
    differing = [x["Row"] for x in lines if x["Status"] != verdicts[x["Row"]]]
    assert differing == ["28"]
    assert lines[-1]["Best so far"] == "1.3261"
    assert not [w for w in cautions(found) if "published delta" in w]


def test_the_means_of_a_published_table_reproduce(tmp_path: Path) -> None:
    """Post-quant scores of pull request 1969: its README's seeds, and its logs'."""
    readme, logs = (1.09419, 1.09076, 1.09058), (1.09419, 1.09175, 1.09155)
    lines = [
        f"{row},{s},{v}"
        for row, vs in (("readme", readme), ("logs", logs))
        for s, v in enumerate(vs)
    ]
    found = analyzed(written(tmp_path, "row,seed,post_quant\n" + "\n".join(lines)))
    assert found.table[1].mean("post_bpb") == pytest.approx(1.0925, abs=5e-5)
    assert found.table[1].delta("post_bpb") == pytest.approx(0.00065, abs=5e-6)


def test_a_published_delta_against_another_row_is_told(tmp_path: Path) -> None:
    text = "row,post,delta\na,1.1000,\nb,1.2000,0.1\nc,1.2500,0.05\nd,1.3,0.7\n"
    said = "\n".join(cautions(analyzed(written(tmp_path, text))))
    assert "c: the published delta +0.05 is against b, not against a." in said
    assert "d: the published delta +0.7 fits no other row of the table." in said
    assert "b: the published" not in said


def test_jsonl_says_the_same_as_csv(tmp_path: Path) -> None:
    lines = [{"row": r, "seed": s, "post_bpb": v} for r, s, v in (("a", 1, 1.1), ("b", 1, 1.05))]
    jsonl = written(tmp_path, "\n".join(map(json.dumps, lines)), "runs.jsonl")
    csv = written(tmp_path, "row,seed,post_bpb\na,1,1.1\nb,1,1.05\n")
    assert [r.delta("post_bpb") for r in analyzed(jsonl).table] == [
        r.delta("post_bpb") for r in analyzed(csv).table
    ]


def test_a_baseline_is_chosen_by_flag_by_name_or_by_place(tmp_path: Path) -> None:
    path = written(tmp_path, "row,post\na,1.1\nbaseline,1.2\nc,1.3\n")
    assert [r.row for r in analyzed(path).table] == ["baseline", "a", "c"]
    assert [r.row for r in analyzed(path, "c").table] == ["c", "a", "baseline"]
    assert {r.parent for r in analyzed(path, "c").table} == {"", "c"}


def test_columns_that_are_factors_become_settings(tmp_path: Path) -> None:
    text = "row,post,GATE_WIDTH,throughput\na,1.1,12,5.0\nb,1.2,32,6.5\n"
    found = analyzed(written(tmp_path, text))
    assert found.table[1].info.own == {"model.gate_width": 32.0}
    assert found.study.others == ("throughput",)
    assert found.table[1].mean("throughput") == 6.5


def test_numbers_are_read_as_people_write_them(tmp_path: Path) -> None:
    text = 'row,seed,post,artifact\na,1337.0,"1.1","15,885,705"\nb,1,—,~15900000\n'
    a, b = analyzed(written(tmp_path, text)).table
    assert (a.mean("post_bpb"), a.largest_bytes) == (1.1, 15_885_705)
    assert (b.mean("post_bpb"), b.largest_bytes) == (None, 15_900_000)


def test_a_results_table_of_autoresearch_comes_back_as_it_was(tmp_path: Path) -> None:
    text = (
        "commit\tval_bpb\tmemory_gb\tstatus\tdescription\n"
        "a1\t0.997900\t44.0\tkeep\tbaseline\nb2\t0.993200\t44.2\tkeep\trate 0.04\n"
        "c3\t0.000000\t0.0\tcrash\twide\nd4\t0.994000\t44.2\tdiscard\tGeLU\n"
    )
    found = analyzed(written(tmp_path, text, "results.tsv"))
    a, _, crashed, _ = found.table
    assert (a.mean("pre_bpb"), a.mean("post_bpb"), a.info.change) == (0.9979, None, "baseline")
    assert crashed.mean("pre_bpb") is None
    assert as_results(found) == text
    assert not [w for w in cautions(found) if "commit" in w]


def test_a_row_is_kept_where_it_beats_all_that_were_kept_before_it(tmp_path: Path) -> None:
    found = analyzed(written(tmp_path, "row,post\na,1.10\nb,1.00\nc,1.05\nd,0.99\n"))
    assert list(statuses(found, "post_bpb").values()) == ["keep", "keep", "discard", "keep"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("row,seed,post\na,1,1.1\na,1,1.2\n", "runs.csv:3: row 'a' has seed 1 more than once"),
        ("row,seed,post\na,x,1.1\n", "runs.csv:2: seed wants a whole number, found 'x'"),
        ("row,post\na,1.1\nb,high\n", "runs.csv:3: post wants a number, found 'high'"),
        ("row,post\na,1.1\nb,inf\n", "runs.csv:3: post wants a finite number"),
        ("row,post_bpb,val_bpb\na,1.1,1\n", "runs.csv:1: columns 'post_bpb' and 'val_bpb' both"),
        ("row,seed,row,post\na,1,b,1\n", "runs.csv:1: columns 'row' and 'row' both mean row"),
        ('row,post\na,"1,078"\n', "runs.csv:2: post wants bits per byte, found '1,078'"),
        ("row,post\na,-1.078\n", "runs.csv:2: post wants bits per byte, found '-1.078'"),
        ("row,post\na,0\n", "runs.csv:2: post wants bits per byte, found '0'"),
        ("row,bytes\na,-5\n", "runs.csv:2: bytes wants a number that is not below 0, found '-5'"),
        ('row,bytes\na,"15,88"\n', "runs.csv:2: bytes wants a number, found '15,88'"),
        ("row,post\na,1.1,5\n", "runs.csv:2: more cells than columns"),
        ("seed,post\n1,1.1\n", "runs.csv:2: no row"),
        ("row,parent,post\na,,1.1\nb,c,1.1\n", "runs.csv:3: row 'b' names an unknown parent 'c'"),
        ("row,post\n", "runs.csv: no rows"),
        ("", "runs.csv: no rows"),
    ],
)
def test_a_broken_file_is_told_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(GolfError) as error:
        read_tidy(written(tmp_path, text))
    assert f"{tmp_path}/{message}" in str(error.value)


def test_the_command_reports_a_file(tmp_path: Path) -> None:
    written(tmp_path, "row,seed,post\na,1,1.10\na,2,1.11\nb,1,1.00\nb,2,1.01\n")
    line = [sys.executable, "-m", "golf", "report", "--runs", "runs.csv", "--baseline", "b"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert "+0.1000" in done.stdout
    assert (tmp_path / "reports" / "runs.md").read_text() == done.stdout
    wrong = subprocess.run(
        [*line, "--baseline", "c"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert wrong.returncode == 2
    assert "no row 'c'" in wrong.stderr
