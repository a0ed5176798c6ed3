"""JSON and CSV: what programs may rely on."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pandas as pd
import pytest

from golf.report.collect import ARTIFACT_MEASURES, SCORES, TRAIN_MEASURES
from golf.report.formats import as_csv, as_json
from golf.report.table import ablation_table


def line(row: str, parent: str, seed: int, **measures: object) -> dict[str, object]:
    blank = dict.fromkeys((*TRAIN_MEASURES, *ARTIFACT_MEASURES, *SCORES))
    facts = {"row": row, "change": f"{row}=1", "parent": parent, "note": "", "seed": seed}
    text = {"scored_bytes": 1000 if measures else None}
    return {**facts, "complete": bool(measures), **text, **blank, **measures}


CELLS = pd.DataFrame(
    [
        line("base", "", 1, pre_bpb=1.5, post_bpb=1.6, artifact_bytes=100.0, steps=10),
        line("base", "", 2, pre_bpb=1.7, post_bpb=1.8, artifact_bytes=300.0, steps=10),
        line("näher", "base", 1, pre_bpb=1.25, post_bpb=1.5, artifact_bytes=16_000_001.0, steps=9),
        line("näher", "base", 2),
        line("later", "näher", 1),
    ]
)


def rows(**header: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(as_json(ablation_table(CELLS, SCORES), header))["rows"]
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
    text = as_json(ablation_table(CELLS, SCORES), {"name": "gates", "missing": 2})
    found = json.loads(text)
    assert (found["name"], found["missing"]) == ("gates", 2)
    assert "näher" in text
    assert "NaN" not in text


def test_numbers_in_json_are_not_rounded() -> None:
    cells = pd.DataFrame([line("base", "", 1, pre_bpb=1.0000000000000002)])
    (row,) = json.loads(as_json(ablation_table(cells, SCORES), {}))["rows"]
    assert row["pre_bpb"]["mean"] == 1.0000000000000002


def test_csv_has_a_line_per_row_and_seed_with_unrounded_numbers() -> None:
    cells = CELLS.assign(change='a,"b"\nc', pre_bpb=1 / 3)
    lines = list(csv.DictReader(io.StringIO(as_csv(cells))))
    assert [(x["row"], int(x["seed"])) for x in lines] == list(
        zip(CELLS["row"], CELLS["seed"], strict=True)
    )
    assert {x["change"] for x in lines} == {'a,"b"\nc'}
    assert {float(x["pre_bpb"]) for x in lines} == {1 / 3}
    assert lines[4]["ttt_bpb"] == ""
