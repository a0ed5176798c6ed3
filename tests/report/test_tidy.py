"""Reports of numbers that someone already has: published tables reproduce, traps are said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from scipy.stats import ttest_ind

from golf.errors import GolfError
from golf.report.cautions import cautions
from golf.report.export import as_results
from golf.report.table import Analysis, analyze
from golf.report.tables.judged import greedy_table, statuses
from golf.report.tables.main import main_table, others_table
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
        ("seed,post\n1,1.1\n", "runs.csv:1: no column `row`"),
        ("row,parent,post\na,,1.1\nb,c,1.1\n", "runs.csv:3: row 'b' names an unknown parent 'c'"),
        ("row,post\n", "runs.csv: no rows"),
        ("", "runs.csv: no rows"),
        ("row;seed;post\na;1;1.1\n", "runs.csv:1: no column `row`"),
        ('row,post\n"a,1.1\nb,1.2\n', "runs.csv:3: not a table: unexpected end of data"),
        ("row,artifact\na,15.9\n", "runs.csv:2: artifact wants bytes, found '15.9'"),
        ("row,steps\na,1e200\n", "runs.csv:2: steps wants a number within"),
        ("row,post,speed\na,1.1,inf\n", "runs.csv:2: speed wants a finite number"),
        ("row,post,parent\na,1.1,b\nb,1.2,a\n", "runs.csv:2: row 'a' builds on itself: a → b → a"),
        ("row,post,parent\na,1.1,\nb,1.2,b\n", "runs.csv:3: row 'b' builds on itself: b → b"),
        (f"row,seed,post\na,{'9' * 5000},1.1\n", "runs.csv:2: seed wants a whole number"),
        (
            "row,seed,post,parent\na,1,1.1,\nb,1,1.2,a\nc,1,1.3,a\nc,2,1.3,b\n",
            "runs.csv:5: row 'c' has parent 'b' here and 'a' above",
        ),
        (
            "row,seed,post,bits\na,1,1.1,4\na,2,1.2,5\n",
            "runs.csv:3: row 'a' has bits 5.0 here and 4.0 above",
        ),
    ],
)
def test_a_broken_file_is_told_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(GolfError) as error:
        read_tidy(written(tmp_path, text))
    assert f"{tmp_path}/{message}" in str(error.value)


def test_lines_without_seeds_are_compared_unpaired(tmp_path: Path) -> None:
    base, row = (1.0981, 1.1002, 1.1040), (1.0969, 1.0991, 1.1027)
    lines = [f"{name},{v}" for name, values in (("a", base), ("b", row)) for v in values]
    found = analyzed(written(tmp_path, "row,post\n" + "\n".join(lines)))
    judged = found.table[1].judged["post_bpb"]
    assert judged is not None
    assert (judged.delta.test, judged.delta.n) == ("welch", 3)
    assert judged.p == pytest.approx(ttest_ind(row, base, equal_var=False).pvalue)
    assert any("No seeds in the source for a, b" in w for w in cautions(found))


def test_a_line_without_a_seed_has_none_that_another_line_names(tmp_path: Path) -> None:
    text = "row,seed,post\na,,1.1\na,0,1.2\nb,0,1.3\nb,1,1.4\n"
    values = analyzed(written(tmp_path, text)).values
    assert {row: sorted(lines) for row, lines in values.items()} == {"a": [0, 2], "b": [0, 1]}


def test_single_lines_without_seeds_need_no_word(tmp_path: Path) -> None:
    said = cautions(analyzed(written(tmp_path, "row,post\na,1.1\nb,1.2\n")))
    assert not [w for w in said if "No seeds" in w]


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ("artifact_mb\na,15.93", "15.93 MB, rounded ✅"),
        ("artifact_mb\na,16.00", "16.00 MB, rounded"),
        ("artifact_mb\na,16.02", "16.02 MB, rounded ❌"),
        ("artifact_mib\na,15.26", "16.00 MB, rounded"),
        ("artifact_mib\na,15.27", "16.01 MB, rounded ❌"),
        ("artifact_mb,bytes\na,15.93,16000001", "16.00 MB (16,000,001) ❌"),
        ("bytes\na,16000000.5", "16.00 MB (16,000,001) ❌"),
    ],
)
def test_a_rounded_size_tells_no_more_than_it_can(size: str, shown: str, tmp_path: Path) -> None:
    found = analyzed(written(tmp_path, f"row,{size}\n"))
    assert read(main_table(found.table))[0]["Artifact"] == shown


def test_a_published_delta_is_held_at_its_own_decimals(tmp_path: Path) -> None:
    text = "row,post,Δ\na,1.1000,\nb,1.1300,0.0000\nc,1.0400,0.0\nd,1.1300,0.03\n"
    said = "\n".join(cautions(analyzed(written(tmp_path, text))))
    assert "b: the published delta +0 fits no other row" not in said
    assert "b: the published delta +0 is against d" in said
    assert "c: the published delta +0 fits no other row of the table." in said
    assert "d: the published" not in said


def test_zeros_that_were_printed_count_as_decimals(tmp_path: Path) -> None:
    lines = [f"{r},{s},{v}" for r, v in (("a", "1.1000"), ("b", "1.0900")) for s in (1, 2, 3)]
    judged = analyzed(written(tmp_path, "row,seed,post\n" + "\n".join(lines))).table[1].judged
    found = judged["post_bpb"]
    assert found is not None
    assert found.verdict == "better"


def test_the_first_word_of_a_row_counts_wherever_it_stands(tmp_path: Path) -> None:
    text = "row,seed,post,parent,change\na,1,1.1,,\nb,1,1.2,,\nc,1,1.3,,\nc,2,1.3,b,wider\n"
    row = analyzed(written(tmp_path, text)).table[2]
    assert (row.parent, row.info.change) == ("b", "wider")


def test_a_column_of_words_among_numbers_is_left_out_and_said(tmp_path: Path) -> None:
    text = 'row,post,acc,line,speed,foo_bpb bar\na,1.1,0.5,7,"1,234",3\nb,1.2,oom,8,5,4\n'
    found = analyzed(written(tmp_path, text))
    assert found.study.others == ("line", "speed", "foo_bpb bar")
    assert found.table[0].mean("speed") == 1234
    assert "Column acc is left out: among its numbers stands 'oom'." in cautions(found)
    assert others_table(found)


def test_a_count_of_lines_beside_the_names_is_no_name(tmp_path: Path) -> None:
    for head, line in (("#,Experiment,post", "1,wide,1.1"), ("Experiment,#,post", "wide,1,1.1")):
        found = analyzed(written(tmp_path, f"{head}\n{line}\n"))
        assert [r.row for r in found.table] == ["wide"]


def test_names_may_hold_signs_that_end_lines_elsewhere(tmp_path: Path) -> None:
    path = written(tmp_path, '{"row": "a\u2028b", "post": 1.1}\n', "runs.jsonl")
    assert [r.row for r in analyzed(path).table] == ["a\u2028b"]


def test_rows_of_one_commit_are_told_apart_by_what_they_are(tmp_path: Path) -> None:
    head = "commit\tval_bpb\tmemory_gb\tstatus\tdescription\n"
    lines = ("a1\t1.10\t1\tkeep\tbase", "a1\t1.20\t1\tkeep\tbits 4", "b2\t1.30\t1\tkeep\tx")
    found = analyzed(written(tmp_path, head + "\n".join(lines), "results.tsv"))
    assert [(r.row, r.n) for r in found.table] == [("base", 1), ("bits 4", 1), ("b2", 1)]


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
