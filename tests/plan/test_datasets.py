"""Datasets that are not there are told where they were asked for, all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf.errors import GolfError
from tests.plan.played import mistakes, planned, write_matrix


def test_every_dataset_that_is_not_there_is_told_at_its_setting(tmp_path: Path) -> None:
    text = (
        "baseline: {dataset: /nope/x}\n"
        "rows: {a: {dataset: sotuu}, b: {parent: a, bits: 4}, c: {bits: 5}, d: {n_kv_head: 3}}\n"
    )
    shards, typo, heads = mistakes(tmp_path, text)
    assert [p.where.removeprefix(f"{tmp_path / 'm.yaml'}:") for p in (shards, typo, heads)] == [
        "1:21", "2:21", "2:83",
    ]  # fmt: skip
    assert shards.what.startswith("data.dataset '/nope/x' is no corpus")
    assert typo.hint == "did you mean 'sotu'?"


@pytest.mark.parametrize("wave", ["", "waves: [{rows: [a], adopt: if_better, margin: 0}]\n"])
def test_a_dataset_of_the_command_line_is_told_there(tmp_path: Path, wave: str) -> None:
    path = write_matrix(tmp_path, "rows: {a: {bits: 4}}\n" + wave)
    with pytest.raises(GolfError) as caught:
        planned(path, "dataset=sotuu")
    (problem,) = caught.value.problems
    assert problem.where == "--set dataset=sotuu"
