"""What is refused, what is marked, and that a script which gives other numbers is found out."""

from __future__ import annotations

import json
import math
import shutil
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from golf.errors import GolfError
from golf.files import write_json
from golf.records import ARTIFACT_LIMIT, RunPaths
from golf.report.table import analyze
from golf.submit.against import parse_given, rival_of
from golf.submit.checks import Check, Status, checks_of
from golf.submit.entry import Entry, with_script
from golf.submit.form import track_of
from golf.submit.script import compare
from tests.submit.conftest import Finished


def check(entry: Entry, name: str, against: str = "") -> Check:
    return next(c for c in checks_of(entry, rival_of(entry, against)) if c.name == name)


@pytest.mark.parametrize(
    ("given", "test", "reference"),
    [
        ("3.7", "one-sample", lambda x, m: stats.ttest_1samp(x, 3.7 - m, alternative="less")),
        (
            "3.7,0.01/4",
            "welch",
            lambda x, m: stats.ttest_ind_from_stats(
                statistics.mean(x), statistics.stdev(x), 3, 3.7 - m, 0.01, 4,
                equal_var=False, alternative="less",
            ),
        ),
    ],
)  # fmt: skip
def test_published_scores_are_tested_as_they_are_known(
    entry: Entry, given: str, test: str, reference: Callable[[list[float], float], Any]
) -> None:
    rival = rival_of(entry, given)
    assert rival is not None
    margin = 0.005 / (math.log(2) * entry.bytes_per_token)
    assert rival.delta.test == test
    assert rival.test.p == pytest.approx(reference(entry.scores, margin).pvalue, rel=1e-9)


@pytest.mark.parametrize(
    "text", ["x", "0", "1.08,0.1", "1.08,0.1/1", "-1", "1.08/3", "nan", "1..2"]
)
def test_a_published_score_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(GolfError, match="is no score"):
        parse_given(text)


def test_a_clear_gain_over_a_published_score_is_met(entry: Entry) -> None:
    assert check(entry, "significant_gain", "9.9").status is Status.MET
    assert check(entry, "significant_gain", "1.0").status is Status.NOT_MET


def test_a_row_without_a_baseline_was_compared_with_nothing(original: Finished) -> None:
    found = check(original.enter("baseline"), "significant_gain")
    assert (found.status, "give --against" in found.evidence) == (Status.UNCHECKED, True)


def test_one_byte_over_the_cap_is_over_it(entry: Entry) -> None:
    largest = max(int(line["model_bytes"]) for line in entry.lines.values())
    for over, status in ((0, Status.MET), (1, Status.NOT_MET)):
        script = bytes(ARTIFACT_LIMIT - largest + over)
        study = with_script(entry.analysis.study, "int4", len(script))
        heavy = replace(entry, script=script, analysis=analyze(study))
        assert check(heavy, "artifact_under_16mb").status is status


def rewrite(finished: Finished, node: Any, **changes: Any) -> None:
    path = finished.paths.node(*node.id).result
    found = json.loads(path.read_text())
    for name, value in changes.items():
        found[name] |= value
    write_json(path, found)


def test_the_slowest_seed_is_held_against_the_limits(finished: Finished) -> None:
    cell = finished.cells()[2]
    rewrite(finished, cell.train, measures={"train_s": 590.0})
    assert check(finished.enter(), "train_under_600s").status is Status.MET
    rewrite(finished, cell.quantize, measures={"calibrate_s": 10.5})
    found = check(finished.enter(), "train_under_600s")
    assert found.status is Status.NOT_MET
    assert "seed 2, 590.0 s of training + 10.5 s of calibration" in found.evidence
    rewrite(finished, cell.ttt, measures={"ttt_s": 600.1})
    assert check(finished.enter(), "eval_under_600s").status is Status.NOT_MET


def test_a_failed_audit_is_not_met_and_a_missing_one_not_checked(finished: Finished) -> None:
    assert check(finished.enter(), "score_first_ttt").status is Status.MET
    path = finished.paths.node(*finished.cells()[3].ttt.id).result
    result = json.loads(path.read_text())
    result["facts"]["audit"]["score_first"] = False
    write_json(path, result)
    found = check(finished.enter(), "score_first_ttt")
    assert (found.status, found.evidence) == (Status.NOT_MET, "audit: learns before it scores")
    del result["facts"]["audit"]
    write_json(path, result)
    found = check(finished.enter(), "score_first_ttt")
    assert found.status is Status.UNCHECKED
    matrix = finished.enter().plan.rows.matrix.path.relative_to(finished.root)
    assert f"golf run {matrix} --audit" in found.evidence


def test_the_record_track_is_for_rows_that_meet_everything() -> None:
    met = Check("a", "", Status.MET, "")
    assert track_of([met, met]) == "track_10min_16mb"
    for other in (Status.NOT_MET, Status.UNCHECKED):
        assert track_of([met, replace(met, status=other)]) == "track_non_record_16mb"


def script_output(entry: Entry, root: Path) -> RunPaths:
    """Write what the script leaves, from the record."""
    made, cell = RunPaths(root), entry.frozen
    nodes = {"train": cell.train, "quantize": cell.quantize, **cell.post, "ttt": cell.ttt}
    for name, node in nodes.items():
        files = made.node(str(node.stage), name)
        write_json(files.folder / "measures.json", entry.result(node).measures)
    shutil.copy(
        entry.plan.node_paths(cell.quantize).artifact, made.node("quantize", "quantize").artifact
    )
    return made


def test_a_script_that_gives_another_last_bit_is_found_out(entry: Entry, tmp_path: Path) -> None:
    made = script_output(entry, tmp_path)
    assert compare(entry, made).status is Status.MET
    path = made.node("ttt", "ttt").folder / "measures.json"
    measures = json.loads(path.read_text())
    write_json(path, measures | {"ttt_s": 9.9})
    assert compare(entry, made).status is Status.MET, "clocks do not count"
    write_json(path, measures | {"bpb": math.nextafter(measures["bpb"], 9.0)})
    found = compare(entry, made)
    assert found.status is Status.NOT_MET
    assert "ttt bpb" in found.evidence
    write_json(path, measures)
    made.node("quantize", "quantize").artifact.write_bytes(b"other")
    assert "artifact sha256" in compare(entry, made).evidence


def test_where_bits_are_not_promised_the_noise_decides(entry: Entry, tmp_path: Path) -> None:
    floor = entry.analysis.floors["ttt_bpb"]
    assert floor is not None
    row = replace(entry.row, values={**entry.row.values, "train.seconds": 600.0})
    timed, made = replace(entry, row=row), script_output(entry, tmp_path)
    path = made.node("ttt", "ttt").folder / "measures.json"
    measures = json.loads(path.read_text())
    for share, status in ((0.9, Status.MET), (1.1, Status.NOT_MET)):
        write_json(path, measures | {"bpb": measures["bpb"] + share * floor.reach()})
        assert compare(timed, made).status is status


def gone(finished: Finished) -> None:
    shutil.rmtree(finished.paths.node(*finished.cells()[2].ttt.id).folder)


def cleaned(finished: Finished) -> None:
    finished.paths.node(*finished.cells()[3].quantize.id).artifact.unlink()


def changed(finished: Finished) -> None:
    path = finished.paths.node(*finished.cells()[3].quantize.id).artifact
    path.write_bytes(path.read_bytes() + b"\0")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (gone, "row 'int4' is not finished: no results of seed 2 \\(ttt\\)\n  golf run "),
        (cleaned, "row 'int4', seed 3: the artifact is not there any more\n  rm -r "),
        (changed, "row 'int4', seed 3: this is not the artifact that was scored\n  rm -r "),
    ],
)
def test_a_worthless_folder_is_refused(
    finished: Finished, damage: Callable[[Finished], None], message: str
) -> None:
    damage(finished)
    with pytest.raises(GolfError, match=message):
        finished.enter()


def test_a_place_that_is_taken_is_refused_before_any_work(finished: Finished) -> None:
    (finished.root / "out").mkdir()
    (finished.root / "out" / "mine").write_text("")
    _, said = finished.submit("-o", "out", code=2)
    assert said.startswith("out: something is here already\n  give another --output")


@pytest.mark.parametrize("place", ["link", ".", ".."])
def test_a_link_or_the_folder_at_hand_is_no_place(finished: Finished, place: str) -> None:
    (finished.root / "real").mkdir()
    (finished.root / "link").symlink_to("real")
    _, said = finished.submit("-o", place, code=2)
    assert "cannot become the record" in said


def test_a_script_that_stops_leaves_no_folder(finished: Finished) -> None:
    (data,) = finished.root.glob("runs/data/*/dataset.json")
    for shard in json.loads(data.read_text())["train"]:
        (data.parent / shard).write_bytes(b"")
    _, said = finished.submit("-o", "out", code=2)
    assert "train_gpt.py stopped (exit 1); its last lines:" in said
    assert "--no-run writes the folder without it" in said
    assert not [f for f in finished.root.iterdir() if "out" in f.name]
