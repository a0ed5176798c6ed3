"""``golf compare`` of rows, tables and logs; exports; the frame: through the real program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import golf
from golf.errors import GolfError
from golf.report.export import as_results
from golf.report.study import Failure
from golf.report.table import analyze
from tests.report.made import row, study

LOGS = Path(__file__).parents[1] / "data" / "logs"
OLD = "row,seed,post,rope_dims\nbase,1,1.20,16\nbase,2,1.22,16\nwide,1,1.10,32\nwide,2,1.13,32\n"
NEW = "row,seed,post,rope_dims\nbase,1,1.19,16\nbase,2,1.21,16\nlone,1,1.0,8\n"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "golf", *arguments]
    return subprocess.run(line, capture_output=True, text=True, cwd=folder, check=False)


def compared(folder: Path, *sides: str) -> dict[str, Any]:
    done = run(folder, "compare", *sides, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "old.csv").write_text(OLD)
    (tmp_path / "new.csv").write_text(NEW)
    return tmp_path


def test_two_rows_show_their_settings_and_their_delta(folder: Path) -> None:
    found = compared(folder, "old.csv:base", "old.csv:wide")
    assert found["settings"] == [{"setting": "model.rope_dims", "from": 16, "to": 32}]
    (line,) = found["scores"]
    assert (line["score"], line["test"], line["n"]) == ("post_bpb", "paired", 2)
    assert line["delta"] == pytest.approx(-0.095, abs=1e-15)
    assert line["interval"] == pytest.approx([-0.095 - 0.0635310, -0.095 + 0.0635310])
    assert (found["baseline"], found["candidate"]) == ("old.csv:base", "old.csv:wide")
    text = run(folder, "compare", "old.csv:base", "old.csv:wide").stdout
    assert "model.rope_dims  16      32" in text
    assert "Post-quant  1.2100  1.1150  −0.0950" in text


def test_a_comparison_in_json_has_numbers_or_null(folder: Path) -> None:
    made = "row,seed,post,rope_dims,attn_gate\na,1,1.25,,sparse\nb,1,1.5,16,out_gate\n"
    (folder / "one.csv").write_text(made)
    found = compared(folder, "one.csv:a", "one.csv:b")
    (line,) = found["scores"]
    assert (line["delta"], line["interval"], line["p"]) == (0.25, None, None)
    assert sorted(found["settings"], key=lambda x: x["setting"]) == [
        {"setting": "model.attn_gate", "from": "sparse", "to": "out_gate"},
        {"setting": "model.rope_dims", "from": None, "to": 16},
    ]
    assert found["notes"] == []


def test_curves_are_compared_where_seeds_match(tmp_path: Path) -> None:
    slower = (LOGS / "naive.txt").read_text().replace("train_loss:2.", "train_loss:3.")
    (tmp_path / "slower.txt").write_text(slower)
    found = compared(tmp_path, str(LOGS / "naive.txt"), "slower.txt")
    assert {round(x["delta_loss"], 9) for x in found["curve"]} == {1, 0}
    assert all(type(x["step"]) in (int, float) for x in found["curve"])
    assert len(found["curve"]) > 3
    text = run(tmp_path, "compare", str(LOGS / "naive.txt"), "slower.txt").stdout
    assert "Nats per token, mean over 1 pair of runs.\n" in text


def test_two_tables_are_compared_row_by_row(folder: Path) -> None:
    found = compared(folder, "old.csv", "new.csv")
    (line,) = found["rows"]
    assert (line["row"], line["score"], line["verdict"]) == ("base", "post_bpb", "within noise")
    assert line["delta"] == pytest.approx(-0.01)
    assert found["notes"] == ["Only in old.csv: wide.", "Only in new.csv: lone."]
    text = run(folder, "compare", "old.csv", "new.csv").stdout
    assert "Only in old.csv: wide." in text
    assert "Only in new.csv: lone." in text


def test_two_tables_without_a_row_in_common_say_so(folder: Path) -> None:
    (folder / "new.csv").write_text(NEW.replace("base", "bare"))
    text = run(folder, "compare", "old.csv", "new.csv").stdout
    assert (
        "No row is in both.\n\nOnly in old.csv: base, wide.\n\nOnly in new.csv: bare, lone." in text
    )
    assert compared(folder, "old.csv", "new.csv")["rows"] == []


def test_a_side_without_a_result_says_how_to_get_one(folder: Path) -> None:
    (folder / "m.yaml").write_text("preset: quickstart\nrows:\n  x: {bits: 4}\n")
    sides = ("m.yaml:baseline", "m.yaml:x")
    text = run(folder, "compare", *sides).stdout
    assert "m.yaml:x has no result yet: golf run m.yaml\n" in text
    assert "What was run with --profile or --set is found with the same flags.\n" in text
    flags = ("--profile", "smoke", "--set", "depth=2")
    found = compared(folder, *sides, *flags)
    again = "golf run m.yaml --profile smoke --set depth=2"
    assert found["notes"] == [f"{side} has no result yet: {again}" for side in sides]
    assert "quant.bits" in {x["setting"] for x in found["settings"]}
    (folder / "bare.csv").write_text("row,loss\na,1\n")
    assert compared(folder, "old.csv:base", "bare.csv")["notes"] == ["bare.csv has no score."]


def test_a_file_may_have_a_colon_and_so_may_a_row(folder: Path) -> None:
    (folder / "p:q").mkdir()
    (folder / "p:q" / "z.csv").write_text(OLD.replace("wide", "w:2"))
    found = compared(folder, "p:q/z.csv:w:2", "old.csv:wide")
    assert found["scores"][0]["delta"] == 0
    done = run(folder, "compare", "p:q/none.csv:a:b", "old.csv:wide")
    assert done.stderr.startswith("p:q/none.csv: cannot be read")


def test_two_logs_are_compared_as_they_are(tmp_path: Path) -> None:
    found = compared(tmp_path, str(LOGS / "sp8192.txt"), str(LOGS / "ngram-ttt.txt"))
    changed = {x["setting"]: (x["from"], x["to"]) for x in found["settings"]}
    assert changed["muon_momentum"] == ("0.99", "0.97")
    assert "logfile" not in changed
    assert [round(x["delta"], 4) for x in found["scores"]] == [-0.0026, -0.0036]
    assert "curve" not in found  # their seeds differ


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        (["old.csv"], "compare wants two sides, found 1"),
        (["old.csv", "new.csv:base"], "a row cannot be compared with a whole table"),
        (["old.csv:bsae", "new.csv:base"], "old.csv: no row 'bsae'\n  did you mean 'base'?"),
        (["none.log", "old.csv"], "none.log: cannot be read"),
        (["old.csv", "new.csv", "--candidate", "1"], "--candidate goes with --baseline or --fixed"),
        *(
            (["old.csv", "new.csv", *words.split()], f"{words.split()[0]} goes with --candidate")
            for words in (
                "--baseline 1",
                "--paired",
                "--fixed 0",
                "--margin 0.1",
                "--unit foo",
                "--confidence 7",
            )
        ),
        (["old.csv", "new.csv", "--profile", "smoke"], "--profile goes with a matrix"),
        (["old.csv", "new.csv", "--set", "depth=2"], "--set goes with a matrix"),
        (["--candidate", "1", "--fixed", "1", "--profile", "smoke"], "--profile and --set go with"),
    ],
)
def test_sides_that_do_not_fit_are_told(sides: list[str], message: str, folder: Path) -> None:
    done = run(folder, "compare", *sides)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pasted_table_is_verified_by_the_command(folder: Path) -> None:
    made = run(folder, "report", "--runs", "old.csv")
    (folder / "table.md").write_text(made.stdout)
    good = run(folder, "report", "--runs", "old.csv", "--verify", "table.md")
    assert (good.returncode, good.stdout.splitlines()[-1][-9:]) == (0, " 0 differ")
    bad = run(folder, "report", "--runs", "new.csv", "--verify", "table.md")
    assert bad.returncode == 1
    assert "base | Post-quant: the table says 1.2100" in bad.stdout
    (folder / "words.md").write_text("no table\n")
    none = run(folder, "report", "--runs", "new.csv", "--verify", "words.md")
    assert none.returncode == 2
    assert "no table of new here" in none.stderr


def test_a_pasted_table_is_utf_8_with_or_without_its_mark(folder: Path) -> None:
    table = "| Row | Post-quant |\n|--|--|\n| base | 1.2100 |\n"
    asking = ("report", "--runs", "old.csv", "--verify", "table.md")
    (folder / "table.md").write_text(table, encoding="utf-8-sig")
    assert run(folder, *asking).stdout == "1 cells checked, 0 differ\n"
    (folder / "table.md").write_text(table, encoding="utf-16")
    assert run(folder, *asking).stderr == "table.md: this text is UTF-16\n  save it as UTF-8\n"
    (folder / "table.md").write_bytes(b"\0")
    done = run(folder, *asking)
    assert done.stderr.startswith("table.md: not a text file\n  a table of `golf report`, or one")


@pytest.mark.parametrize("form", ["csv", "json", "latex", "tsv"])
def test_every_format_is_printed(form: str, folder: Path) -> None:
    done = run(folder, "report", "--runs", "old.csv", "--format", form)
    assert done.returncode == 0, done.stderr
    assert "wide" in done.stdout
    assert not (folder / "reports").exists()


def test_the_page_is_written_beside_the_markdown(folder: Path) -> None:
    done = run(folder, "report", "--runs", "old.csv", "--format", "html")
    assert done.stderr == "wrote reports/old.html\n"
    assert (folder / "reports" / "old.html").read_text().startswith("<!doctype html>")


def test_results_are_a_frame(folder: Path) -> None:
    frame = golf.results(folder / "old.csv")
    assert list(frame["row"]) == ["base", "base", "wide", "wide"]
    assert frame["post_bpb"].mean() == pytest.approx(1.1625)
    assert frame.set_index(["row", "seed"]).loc[("wide", 2), "post_bpb"] == 1.13


def test_a_frame_is_refused_as_the_command_line_refuses_it(folder: Path) -> None:
    (folder / "m.yaml").write_text("preset: quickstart\n")
    with pytest.raises(GolfError, match="no profile 'bad'\n  there are cpu, smoke"):
        golf.results(folder / "m.yaml", profile="bad")
    with pytest.raises(GolfError, match="--profile goes with a matrix"):
        golf.results(folder / "old.csv", profile="smoke")


def test_the_ending_of_a_file_of_runs_may_have_any_case(folder: Path) -> None:
    (folder / "A.CSV").write_text(OLD)
    (folder / "B.TSV").write_text(OLD.replace(",", "\t"))
    for name in ("A.CSV", "B.TSV"):
        assert "| wide" in run(folder, "report", "--runs", name).stdout
        assert compared(folder, f"{name}:base", "old.csv:base")["scores"][0]["delta"] == 0
    none = run(folder, "report", "--runs", "nope.json")
    assert (none.returncode, none.stderr.splitlines()[0]) == (2, "nope.json: no such file")


@pytest.mark.parametrize("source", [["--runs", "old.csv"], []])
@pytest.mark.parametrize("flag", ["--profile", "--set"])
def test_flags_of_a_matrix_are_refused_without_one(
    flag: str, source: list[str], folder: Path
) -> None:
    given = {"--profile": "smoke", "--set": "depth=2"}[flag]
    done = run(folder, "report", *source, flag, given)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{flag} goes with a matrix")


def test_the_table_of_autoresearch_tells_keeps_from_crashes() -> None:
    found = analyze(
        study(
            row("base", (1.0, 1.1), commit="0123456789ab"),
            row("good", (1.0, 1.05), "base", change="a\tb"),
            row("bad", (1.0, 1.2), "base"),
            row("dead", (None, None), "base"),
            failures=(Failure("dead", 1, "train", "out of memory"),),
        )
    )
    lines = [x.split("\t") for x in as_results(found).splitlines()]
    assert lines[0] == ["commit", "val_bpb", "memory_gb", "status", "description"]
    assert lines[1][:2] == ["0123456", "1.100000"]
    assert [x[3] for x in lines[1:]] == ["keep", "keep", "discard", "crash"]
    assert lines[2][4] == "good: a b"
    assert lines[4][1] == "0.000000"


def test_logs_without_seeds_are_compared_run_by_run_where_each_side_has_one(tmp_path: Path) -> None:
    text = (LOGS / "naive.txt").read_text().replace("seed:1337\n", "")
    for name, loss in (("a.txt", "2."), ("b.txt", "3.")):
        (tmp_path / name).write_text(text.replace("train_loss:2.", f"train_loss:{loss}"))
    found = compared(tmp_path, "a.txt", "b.txt")
    assert {round(x["delta_loss"], 9) for x in found["curve"]} == {1, 0}
    assert {x["test"] for x in found["scores"]} == {"none"}
