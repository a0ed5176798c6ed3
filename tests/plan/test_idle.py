"""Settings that nothing reads, and rows that equal another row, are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf.config.knob import Stage
from golf.config.resolve import CLIP_SIGMAS
from golf.config.schema import spec_for
from tests.plan.planning import mistake_at, mistakes, plan, row

IRRELEVANT = [
    ("rows:\n  r: {gate_width: 24}\n", "2:19", "model.gate_width", "model.attn_gate is none"),
    ("rows:\n  r: {short_window: 0.25}\n", "2:21", "model.short_window", "window_pattern is L"),
    ("rows:\n  r: {ttt_lr: 0.1}\n", "2:15", "ttt.lr", "ttt.method is none"),
    ("rows:\n  r: {value_gate: fixed}\n", "2:19", "model.value_gate", "value_embed is none"),
    (
        "rows:\n  r: {value_embed: all, value_gate: fixed, value_gate_width: 4}\n",
        "2:62",
        "model.value_gate_width",
        "model.value_gate is fixed",
    ),
    ("factors:\n  GATE_WIDTH: [24]\n", "2:16", "model.gate_width", "model.attn_gate is none"),
    ("rows:\n  r: {fit: 90000, bits: 6}\n", "2:25", "quant.bits", "quant.fit_bytes is 90000"),
    ("rows:\n  r: {fit: 9, embed_clip_sigmas: 6}\n", "2:34", "quant.embed_clip_sigmas", "is 9"),
    ("baseline: {fit: 9, prune_to_bytes: 8}\n", "1:36", "quant.prune_to_bytes", "is 9"),
    ("rows:\n  r: {fit_tokens: 512}\n", "2:19", "quant.fit_tokens", "quant.fit_bytes is null"),
    ("baseline: {gate_width: 24}\n", "1:24", "model.gate_width", "model.attn_gate is none"),
]


@pytest.mark.parametrize(("text", "place", "knob", "need"), IRRELEVANT)
def test_a_setting_that_nothing_reads_is_an_error_that_names_what_it_needs(
    tmp_path: Path, text: str, place: str, knob: str, need: str
) -> None:
    problem = mistake_at(tmp_path, text, place)
    assert problem.what.startswith(f"{knob} changes nothing while ")
    assert problem.what.endswith(need)
    assert problem.hint.startswith(f"set {problem.what.split()[-3]} to ")


def test_the_hint_names_the_values_that_make_a_setting_count(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "rows:\n  r: {VE_GATE: fixed}\n")
    assert problem.hint == "set model.value_embed to a value in row 'r', or drop VE_GATE"


def test_a_row_that_fits_leaves_the_bits_of_its_preset_and_baseline_aside(tmp_path: Path) -> None:
    text = "preset: pr1493\nbaseline: {mlp_bits: 5}\nrows: {r: {fit: 16_000_000}}\n"
    spec = spec_for(row(plan(tmp_path, text), "r").values, Stage.QUANTIZE)
    assert spec["quant.fit_bytes"] == 16_000_000
    assert not [n for n in spec if n.endswith(("bits", "clip_sigmas"))]


def test_an_override_that_nothing_reads_is_an_error(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "name: m\n", "gate_width=24")
    assert problem.where.startswith("--set gate_width=24")
    assert "model.attn_gate is none" in problem.what


def test_an_override_counts_if_one_row_reads_it(tmp_path: Path) -> None:
    text = "rows: {r: {attn_gate: out_gate}}\n"
    assert row(plan(tmp_path, text, "gate_width=24"), "r").values["model.gate_width"] == 24


def test_a_setting_of_the_baseline_counts_if_one_row_reads_it(tmp_path: Path) -> None:
    text = "baseline: {gate_width: 24}\nrows: {r: {attn_gate: out_gate}}\n"
    assert row(plan(tmp_path, text), "r").values["model.gate_width"] == 24


def test_a_short_window_as_long_as_the_sequence_is_a_row_of_its_own(tmp_path: Path) -> None:
    text = "baseline: {window_pattern: SL}\nfactors: {short_window: [0.25, 1.0]}\n"
    assert len(plan(tmp_path, text).rows) == 3


@pytest.mark.parametrize(
    "settings",
    ["", "depth: 4", "n_kv_head: 4", "rope_dims: 32", f"clip_sigmas: {CLIP_SIGMAS[8]}",
     "window_pattern: LL", "tokens: 409600", "micro_tokens: 2048", "n_kv_head: null"],
)  # fmt: skip
def test_a_row_that_equals_the_baseline_is_an_error(tmp_path: Path, settings: str) -> None:
    problem = mistake_at(tmp_path, f"rows:\n  r: {{{settings}}}\n", "2:3")
    assert problem.what == "row 'r' is the same as row 'baseline': it changes nothing"
    assert "same_as" in problem.hint


def test_a_row_that_equals_another_row_is_an_error_that_names_it(tmp_path: Path) -> None:
    text = "factors: {depth: [2]}\nrows: {r: {num_layers: 2}}\n"
    (problem,) = mistakes(tmp_path, text)
    assert problem.what == "row 'r' is the same as row 'depth=2': it changes nothing"


def test_a_row_may_say_which_row_it_equals(tmp_path: Path) -> None:
    text = "rows:\n  a: {depth: 2}\n  b: {depth: 2, same_as: a}\n"
    assert [r.name for r in plan(tmp_path, text).rows] == ["baseline", "a", "b"]


def test_a_row_that_wrongly_says_it_equals_another_is_an_error(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "rows:\n  a: {depth: 2}\n  b: {depth: 3, same_as: a}\n")
    assert problem.what == "row 'b' says same_as 'a', but they differ"


@pytest.mark.parametrize("setting", ["log_every: 3", "evaluate: [sliding64]", "eval_tokens: 9"])
def test_what_all_rows_share_cannot_be_set_in_one(tmp_path: Path, setting: str) -> None:
    (problem,) = mistakes(tmp_path, f"rows:\n  r: {{{setting}, bits: 4}}\n")
    assert problem.where.endswith("m.yaml:2:7")
    assert "is the same for every row" in problem.what
