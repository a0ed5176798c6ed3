"""Layers of settings become rows, and open values are filled in."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf.config.knob import Value
from golf.config.load import load_preset
from golf.config.resolve import CLIP_SIGMAS
from tests.conftest import tiny_rows
from tests.plan.planning import FILE, plan, row

LAYERS = [
    ("", "baseline", 4.0),  # the default
    ("preset: quickstart\nbaseline: {mlp_mult: 3}", "baseline", 3.0),
    ("baseline: {mlp_mult: 3}\nrows: {r: {mlp_mult: 2.5}}", "r", 2.5),
    ("baseline: {mlp_mult: 3}\nrows: {r: {depth: 2}}", "r", 3.0),
    ("rows: {a: {mlp_mult: 3}, r: {parent: a, depth: 2}}", "r", 3.0),
    ("rows: {a: {mlp_mult: 3}, r: {parent: a, mlp_mult: 2}}", "r", 2.0),
    ("rows: {r: {parent: b, bits: 4}, b: {parent: a, depth: 2}, a: {mlp_mult: 2}}", "r", 2.0),
    ("rows: {r: {parent: b, bits: 4}, b: {parent: a, mlp_mult: 3}, a: {mlp_mult: 2}}", "r", 3.0),
    ("factors: {mlp_mult: [2, 3]}", "mlp_mult=2", 2.0),
]


@pytest.mark.parametrize(("text", "name", "expected"), LAYERS)
def test_a_later_layer_wins(tmp_path: Path, text: str, name: str, expected: float) -> None:
    rows = plan(tmp_path, "name: m\n" + text)
    assert row(rows, name).values["model.mlp_mult"] == expected


def test_a_preset_is_over_the_defaults_and_under_the_baseline(tmp_path: Path) -> None:
    baseline = plan(tmp_path, "preset: quickstart\nbaseline: {depth: 5}\n").rows[0]
    layer, _ = load_preset("quickstart")
    assert baseline.values["model.model_dim"] == layer["model.model_dim"].value
    assert baseline.origins["model.model_dim"] == layer["model.model_dim"].where
    assert baseline.values["model.depth"] == 5 != layer["model.depth"].value
    assert baseline.origins["model.depth"] == f"{tmp_path / FILE}:2:19"


def test_the_profile_scales_the_row_and_set_is_not_scaled(tmp_path: Path) -> None:
    text = "baseline: {steps: 8000}\nrows: {r: {steps: 6000, bits: 4}}\n"
    scaled = plan(tmp_path, text, profile="cpu")
    assert [r.values["train.steps"] for r in scaled.rows] == [400, 300]
    fixed = plan(tmp_path, text, "steps=70", profile="cpu")
    assert [r.values["train.steps"] for r in fixed.rows] == [70, 70]
    assert fixed.rows[1].origins["train.steps"].startswith("--set steps=70")


def test_the_profile_of_the_file_counts_unless_the_command_line_has_one(tmp_path: Path) -> None:
    text = "profile: smoke\nbaseline: {steps: 8000}\n"
    steps = [plan(tmp_path, text, profile=p).rows[0].values["train.steps"] for p in ("", "cpu")]
    assert steps == [80, 400]


def test_a_step_of_any_size_is_cut_into_passes_at_once(tmp_path: Path) -> None:
    text = "baseline: {batch_tokens: 8_000_000_000_000, seq_len: 1000}\n"
    assert plan(tmp_path, text).rows[0].values["train.micro_tokens"] == 2000


def test_the_change_is_told_in_the_words_of_the_user(tmp_path: Path) -> None:
    text = (
        "factors:\n  SOFTCAP: [15]\nrows:\n"
        "  r: {num_kv_heads: 2, quant.embed_bits: 6, parent: p}\n  p: {depth: 2, note: thin}\n"
    )
    found = [(r.name, r.change, r.parent, r.note) for r in plan(tmp_path, text).rows]
    assert found == [
        ("baseline", "", "", ""),
        ("SOFTCAP=15", "SOFTCAP 15", "baseline", ""),
        ("r", "num_kv_heads 2, quant.embed_bits 6", "p", ""),
        ("p", "depth 2", "baseline", "thin"),
    ]


@pytest.mark.parametrize(
    ("settings", "name", "expected"),
    [
        ({"train.tokens": 1000}, "train.steps", 4),
        ({"model.n_kv_head": None}, "model.n_kv_head", 2),
        ({"model.rope_dims": 32}, "model.rope_dims", 0),
        ({"model.window_pattern": "SL", "model.depth": 5}, "model.window_pattern", "SLSLL"),
        ({"model.window_pattern": "S", "model.depth": 3}, "model.window_pattern", "SSL"),
        ({"model.window_pattern": "S", "model.depth": 1}, "model.window_pattern", "L"),
        ({"quant.bits": 4}, "quant.clip_sigmas", CLIP_SIGMAS[4]),
        ({"quant.bits": 4, "quant.clip_sigmas": 5.0}, "quant.clip_sigmas", 5.0),
        ({"train.batch_tokens": 128 * 12}, "train.micro_tokens", 128 * 12),
        ({"train.batch_tokens": 128 * 34}, "train.micro_tokens", 128 * 2),
        ({"train.batch_tokens": 128 * 37}, "train.micro_tokens", 128),
    ],
)
def test_open_values_are_filled_in(settings: dict[str, Value], name: str, expected: Value) -> None:
    base = {
        "data.dataset": "sotu-small", "model.depth": 2, "model.model_dim": 64,
        "model.head_dim": 32, "train.seq_len": 128, "train.batch_tokens": 256, **settings,
    }  # fmt: skip
    assert tiny_rows(base).rows[0].values[name] == expected
