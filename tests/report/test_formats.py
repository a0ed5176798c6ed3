"""JSON and CSV: what programs may rely on."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from golf.report.formats import as_csv, as_json
from golf.report.study import MEASURES, Study, StudyRow
from golf.report.table import analyze


def line(row: str, seed: int, **measures: object) -> dict[str, object]:
    blank = dict.fromkeys(MEASURES)
    text = {"scored_bytes": 1000 if measures else None}
    return {"row": row, "seed": seed, "complete": bool(measures), **blank, **text, **measures}


CELLS = Study(
    "gates",
    (
        StudyRow("base", "base=1"),
        StudyRow("näher", "näher=1", "base"),
        StudyRow("later", "later=1", "näher"),
    ),
    (
        line("base", 1, pre_bpb=1.5, post_bpb=1.6, artifact_bytes=100.0, steps=10),
        line("base", 2, pre_bpb=1.7, post_bpb=1.8, artifact_bytes=300.0, steps=10),
        line("näher", 1, pre_bpb=1.25, post_bpb=1.5, artifact_bytes=16_000_001.0, steps=9),
        line("näher", 2),
        line("later", 1),
    ),
)


def rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(as_json(analyze(CELLS)))["rows"]
    return found


def test_every_row_has_the_promised_keys() -> None:
    promised = {
        "row", "change", "parent", "n", "pre_bpb", "post_bpb", "ttt_bpb", "artifact_bytes",
        "fits", "delta",
    }  # fmt: skip
    for row in rows():
        assert promised <= set(row)
        assert set(row["delta"]) == {"pre_bpb", "post_bpb", "ttt_bpb"}


def test_rows_stand_in_order_with_their_words() -> None:
    told = [(r["row"], r["change"], r["parent"], r["n"]) for r in rows()]
    assert told == [
        ("base", "base=1", None, 2),
        ("näher", "näher=1", "base", 1),
        ("later", "later=1", "näher", 0),
    ]


def test_scores_are_mean_and_std_and_std_is_null_for_one_seed() -> None:
    base, one, _ = rows()
    assert base["pre_bpb"]["mean"] == pytest.approx(1.6)
    assert base["pre_bpb"]["std"] == pytest.approx(0.02**0.5)
    assert one["pre_bpb"]["mean"] == 1.25
    assert one["pre_bpb"]["std"] is None


def test_what_is_missing_is_null() -> None:
    base, one, later = rows()
    assert base["delta"] == {"pre_bpb": None, "post_bpb": None, "ttt_bpb": None}
    assert base["ttt_bpb"] is None
    assert later["post_bpb"] is None
    assert one["delta"]["ttt_bpb"] is None
    assert later["fits"] is None


def test_deltas_and_fits_are_numbers_and_truths() -> None:
    base, one, _ = rows()
    assert one["delta"]["pre_bpb"] == pytest.approx(-0.25)
    assert one["delta"]["post_bpb"] == pytest.approx(-0.1)
    assert base["fits"] is True
    assert one["fits"] is False
    assert base["artifact_bytes"]["mean"] == 200


def test_the_header_stands_beside_the_rows_and_letters_are_kept() -> None:
    text = as_json(analyze(CELLS))
    found = json.loads(text)
    assert (found["name"], found["missing"], found["seeds"]) == ("gates", 2, [1, 2])
    assert "näher" in text
    assert "NaN" not in text


def test_measures_of_the_users_own_are_among_the_rows() -> None:
    lines = (line("base", 1, val_loss=2.5), line("base", 2, val_loss=2.75), line("näher", 1))
    cells = replace(CELLS, lines=lines, others=("val_loss",))
    base, one, _ = json.loads(as_json(analyze(cells)))["rows"]
    assert base["other_measures"]["val_loss"] == {"mean": 2.625, "std": 0.03125**0.5, "n": 2}
    assert one["other_measures"] == {"val_loss": None}


def test_statistics_stand_beside_the_deltas() -> None:
    _, one, later = rows()
    assert one["statistics"]["post_bpb"]["verdict"] == "one seed"
    assert one["statistics"]["post_bpb"]["interval"] is None
    assert later["statistics"]["post_bpb"] is None


def test_numbers_in_json_are_not_rounded() -> None:
    cells = replace(CELLS, lines=(line("base", 1, pre_bpb=1.0000000000000002),))
    assert json.loads(as_json(analyze(cells)))["rows"][0]["pre_bpb"]["mean"] == 1.0000000000000002


def test_csv_has_a_line_per_row_and_seed_with_unrounded_numbers() -> None:
    told = tuple(replace(r, change='a,"b"\nc') for r in CELLS.rows)
    cells = replace(CELLS, rows=told, lines=tuple({**x, "pre_bpb": 1 / 3} for x in CELLS.lines))
    lines = list(csv.DictReader(io.StringIO(as_csv(analyze(cells)))))
    assert [(x["row"], int(x["seed"])) for x in lines] == [
        (x["row"], x["seed"]) for x in CELLS.lines
    ]
    assert {x["change"] for x in lines} == {'a,"b"\nc'}
    assert {float(x["pre_bpb"]) for x in lines} == {1 / 3}
    assert lines[4]["ttt_bpb"] == ""
