"""Rows that wait for a result are planned as far as is known and completed when it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf.plan.work import pending
from tests.plan.played import (
    finish,
    fixed,
    mistakes,
    parents,
    planned,
    play,
    row_names,
    waits,
    write_matrix,
)
from tests.plan.waves import S1, S2, TWO


def test_a_wave_starts_from_the_winner_of_the_one_before(tmp_path: Path) -> None:
    first, *_, last = play(write_matrix(tmp_path, TWO), fixed(a=0.99, b=0.98))
    assert row_names(first) == ["baseline", "a", "b"]
    assert waits(first) == {"the winner of wave 1": ("c", "d")}
    assert parents(last) == {"a": "baseline", "b": "baseline", "c": "b", "d": "c"}
    assert not last.waiting
    values = {row.name: row.values for row in last.rows.rows}
    assert (values["c"]["quant.bits"], values["d"]["quant.bits"]) == (5, 5)
    assert (values["d"]["model.rope_dims"], values["d"]["model.leaky_slope"]) == (16, 0.3)
    assert last.rows.rows[3].change == "rope_dims 16"


def test_the_baseline_stands_when_no_gain_is_beyond_the_margin(tmp_path: Path) -> None:
    last = play(write_matrix(tmp_path, TWO), fixed(a=0.9991, b=1.2))[-1]
    assert parents(last)["c"] == "baseline"
    (outcome,) = last.outcomes
    assert (outcome.winner, outcome.by) == ("baseline", "post")
    assert [g.wins for g in outcome.gains] == [False, False]
    assert next(outcome.lines()).startswith("wave 1: baseline stands (a gain in post above 0.001")


def test_a_baseline_with_a_name_is_told_by_it(tmp_path: Path) -> None:
    text = "baseline: {name: base, depth: 3}\n" + TWO.replace("{parent: c,", "{parent: base,")
    last = play(write_matrix(tmp_path, text), fixed())[-1]
    assert (last.outcomes[0].base, last.outcomes[0].winner) == ("base", "base")
    assert parents(last) == dict.fromkeys("abcd", "base")


def test_a_row_over_the_limit_cannot_win(tmp_path: Path) -> None:
    last = play(write_matrix(tmp_path, TWO), fixed(a=0.99, b=0.98), large=("b",))[-1]
    assert parents(last)["c"] == "a"
    assert "over the limit" in "\n".join(last.outcomes[0].lines())


def test_a_gain_within_the_noise_does_not_count(tmp_path: Path) -> None:
    text = TWO.replace("    margin: 0.001\n", "").replace("[1, 2]", "[1, 2, 3]")
    noise = {("a", 1): 0.03, ("a", 2): -0.03, ("b", 2): 0.03, ("baseline", 3): 0.03}

    def score(row: str, seed: int) -> float:
        return 1.0 - (0.02 if row == "a" else 0.0) + noise.get((row, seed), 0.0)

    last = play(write_matrix(tmp_path, text), score)[-1]
    assert parents(last)["c"] == "baseline"
    assert last.outcomes[0].noise.df == 4
    quiet = play(write_matrix(tmp_path, text, "q.yaml"), fixed(a=0.98), "rope_base=500")[-1]
    assert parents(quiet)["c"] == "a"


def test_a_wave_half_done_is_not_decided(tmp_path: Path) -> None:
    plan = planned(write_matrix(tmp_path, TWO))
    finish(plan, fixed(a=0.9))
    for cell in plan.cells:
        if cell.row.name == "b" and cell.seed == 2:
            for node in cell.post.values():
                plan.node_paths(node).result.unlink()
    again = planned(tmp_path / "m.yaml")
    assert waits(again) == {"the winner of wave 1": ("c", "d")}
    assert len(pending(again)) == 1


def test_the_last_score_that_all_rows_have_decides_unless_one_is_named(tmp_path: Path) -> None:
    adapted = "baseline: {ttt: sgd}\n" + TWO
    for text, by in ((adapted, "ttt"), (adapted.replace("margin:", "by: pre\n    margin:"), "pre")):
        path = write_matrix(tmp_path, text, f"{by}.yaml")
        assert play(path, fixed(a=0.9))[-1].outcomes[0].by == by


COMBINED = """\
seeds: [1, 2]
rows:
  a: {depth: 2}
  b: {bits: 5}
  b2: {bits: 6}
  c: {rope_dims: 16}
  d: {parent: c, leaky_slope: 0.3}
  e: {tied: false}
waves:
  - {name: first, rows: [a, b, b2], margin: 0.001}
  - {rows: [c, d, e], margin: 0.001}
  - {combine: winners, name: 3W, why: they may add up}
"""


def test_combined_winners_are_stacked_one_per_knob(tmp_path: Path) -> None:
    scores = fixed(a=0.97, b=0.96, b2=0.98, c=0.95, d=0.94, e=1.1)
    last = play(write_matrix(tmp_path, COMBINED), scores)[-1]
    row = last.rows.rows[-1]
    assert (row.name, row.parent) == ("3W", "baseline")
    assert row.change == "rope_dims 16, leaky_slope 0.3, bits 5, depth 2"
    assert row.note == "stacks d, b, a"
    assert row.about.why == "they may add up"


def test_combined_winners_start_from_the_latest_base(tmp_path: Path) -> None:
    text = COMBINED.replace(
        "{rows: [c, d, e], margin: 0.001}", "{rows: [c, d, e], baseline: {winner_of: first}}"
    )
    last = play(write_matrix(tmp_path, text), fixed(a=0.95, b=0.96, c=0.9))[-1]
    row = last.rows.rows[-1]
    assert (row.parent, row.change) == ("a", "rope_dims 16, bits 5")
    assert row.values["model.depth"] == 2


@pytest.mark.parametrize("winners", [{}, {"a": 0.9}])
def test_combining_one_winner_or_none_repeats_no_work(
    tmp_path: Path, winners: dict[str, float]
) -> None:
    rounds = play(write_matrix(tmp_path, COMBINED), fixed(**winners))
    assert rounds[-1].rows.rows[-1].name == "3W"
    assert len(rounds) == 2


GREEDY = """\
rows:
  one: {muon_wd: 0.02}
  two: {seq_len: 128}
  three: {muon_wd: 0.04}
  four: {grad_clip: 1}
  five: {muon_wd: 0.04}
waves:
  - {name: climb, rows: [one, two, three, four, five], adopt: if_better, margin: 0}
"""


def test_a_greedy_study_starts_each_row_from_the_best_so_far(tmp_path: Path) -> None:
    scores = fixed(one=0.99, two=0.995, three=0.98, four=0.97)
    rounds = play(write_matrix(tmp_path, GREEDY), scores)
    assert waits(rounds[0]) == {"row one": ("two", "three", "four", "five")}
    assert parents(rounds[-1]) == {
        "one": "baseline", "two": "one", "three": "one", "four": "three", "five": "four",
    }  # fmt: skip
    assert rounds[-1].outcomes[0].winner == "four"
    last = rounds[-1].rows.rows[-1].values
    assert (last["optim.muon_wd"], last["train.grad_clip"], last["train.seq_len"]) == (
        0.04, 1.0, 256,
    )  # fmt: skip
    assert len(rounds) == 5


def test_a_wave_may_wait_for_another_matrix(tmp_path: Path) -> None:
    path = write_matrix(tmp_path, S1)
    shape = write_matrix(tmp_path, S2, "shape.yaml")
    before = planned(path)
    assert waits(before) == {"the winner of shape.yaml": ("4A",)}
    assert [p.rows.matrix.name for p in before.before] == ["shape"]
    play(shape, fixed(**{"1A": 0.98, "1B": 0.97}))
    last = play(path, fixed())[-1]
    assert parents(last) == {"2A": "baseline", "shape/1B": "baseline", "4A": "shape/1B"}
    assert row_names(last) == ["baseline", "2A", "shape/1B", "4A"]
    values = last.rows.rows[-1].values
    assert (values["model.depth"], values["model.head_dim"], values["model.n_kv_head"]) == (
        6,
        64,
        1,
    )
    assert last.rows.rows[2].change == "depth 6, model_dim 192, head_dim 64"
    assert last.rows.rows[2].note == "the winner of shape.yaml"


def test_another_matrix_whose_baseline_stands_adds_no_row(tmp_path: Path) -> None:
    path = write_matrix(tmp_path, S1.replace("n_head / 3", "n_head / 2"))
    play(write_matrix(tmp_path, S2, "shape.yaml"), fixed())
    assert row_names(play(path, fixed())[-1]) == ["baseline", "2A", "4A"]


@pytest.mark.parametrize("name", ["/dev/null.yaml", '"a\\0.yaml"', "a" * 300 + ".yaml"])
def test_a_matrix_that_no_file_can_hold_is_not_there(tmp_path: Path, name: str) -> None:
    (problem,) = mistakes(tmp_path, S1.replace("shape.yaml", name))
    assert problem.what.startswith("there is no matrix")


def test_a_profile_and_overrides_reach_the_other_matrix(tmp_path: Path) -> None:
    path = write_matrix(tmp_path, S1)
    write_matrix(tmp_path, S2, "shape.yaml")
    (other,) = planned(path, "tied=false", profile="smoke").before
    assert other.rows.profile == "smoke"
    assert other.rows.rows[0].values["model.tied"] is False


def test_a_late_row_may_be_legal_on_the_winner_only(tmp_path: Path) -> None:
    text = TWO.replace("{depth: 2}", "{model_dim: 192}").replace(
        "{rope_dims: 16}", "{head_dim: 48}"
    )
    path = write_matrix(tmp_path, text)
    assert row_names(planned(path)) == ["baseline", "a", "b"]
    assert parents(play(path, fixed(a=0.9))[-1])["c"] == "a"
    last = play(write_matrix(tmp_path, text, "n.yaml"), fixed(b=0.9), "tied=false")[-1]
    assert {d.name: d.reason for d in last.rows.dropped} == {
        "c": "on b: model_dim 128 is not a multiple of head_dim 48; 96 and 144 are, and where "
        "depth x aspect_ratio gives the width, `width_rounding: up` makes it 144",
        "d": "it builds on c",
    }


def test_a_row_that_does_not_fit_the_winner_is_dropped_with_its_reason(tmp_path: Path) -> None:
    text = """\
seeds: [1, 2]
baseline: {model_dim: 128, head_dim: 32}
rows:
  wide: {model_dim: 160}
  pairs: {n_kv_head: = n_head // 2}
  turn: {rope_dims: 16}
waves:
  - {rows: [wide], margin: 0.001}
  - {rows: [pairs, turn], baseline: {winner_of: 1}}
"""
    last = play(write_matrix(tmp_path, text), fixed(wide=0.9))[-1]
    assert row_names(last) == ["baseline", "wide", "turn"]
    (dropped,) = last.rows.dropped
    assert dropped.name == "pairs"
    assert (
        dropped.reason == "on wide: 5 query heads cannot share n_kv_head 2 evenly; 1 or 5 would do"
    )
    assert not last.waiting
