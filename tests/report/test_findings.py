"""Findings, warnings and effects on studies whose truth is known."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from golf.report.cautions import cautions
from golf.report.effects import interactions, main_effects
from golf.report.findings import findings, pareto
from golf.report.table import Analysis, analyze
from tests.report.made import row, study

BASE = {"model.rope_dims": 16, "train.steps": 100, "quant.bits": 8}


def said(analysis: Analysis) -> str:
    return "\n".join(map(str, findings(analysis)))


def test_a_gap_that_grows_while_training_gains_is_found() -> None:
    found = analyze(
        study(
            row("gates", (1.0712, 1.0781, 1.0674), base=BASE),
            row("rope32", (1.0705, 1.0806, 1.0698), "gates", {"model.rope_dims": 32}, BASE),
        )
    )
    assert (
        "model.rope_dims 32: pre-quant −0.0007 vs gates, but the quantization gap grows from "
        "0.0069 to 0.0101." in said(found)
    )
    assert "one seed" in said(found)


def test_rows_are_judged_by_the_last_score_that_all_of_them_have() -> None:
    scores = {s: (1.07, 1.08 + s * 1e-4, 1.07 + s * 1e-4) for s in range(3)}
    gained = {s: (1.07, 1.08 + s * 1e-4, 1.06 + s * 1.1e-4) for s in range(3)}
    two = (row("base", scores, artifact_bytes=10), row("x", gained, "base", artifact_bytes=20))
    assert "Of 1 compared row: 1 better. (post-TTT" in said(analyze(study(*two)))
    without = row("raw", dict.fromkeys(range(3), (1.07, 1.09)), "base", artifact_bytes=30)
    text = said(analyze(study(*two, without)))
    assert "Of 2 compared rows: 1 worse, 1 within noise. (post-quant" in text


def test_a_gap_within_the_noise_is_not_news() -> None:
    rng = np.random.default_rng(0)

    def noisy(post: float) -> dict[int, tuple[float, float]]:
        return {s: (1.07, float(post + rng.normal(0, 0.003))) for s in range(3)}

    found = analyze(
        study(
            row("base", noisy(1.078), base=BASE),
            row("rope", noisy(1.0785), "base", {"model.rope_dims": 32}, BASE),
        )
    )
    assert "quantization gap" not in said(found)


def test_rows_over_the_limit_are_named_with_their_bytes() -> None:
    found = analyze(study(row("big", (1.0, 1.1), artifact_bytes=16_934_743)))
    assert "big is 934,743 bytes over the limit." in said(found)


def test_the_front_leaves_out_what_is_larger_and_worse() -> None:
    found = analyze(
        study(
            row("small", (1.0, 1.2), artifact_bytes=10),
            row("bad", (1.0, 1.3), artifact_bytes=20),
            row("large", (1.0, 1.1), artifact_bytes=30),
        )
    )
    assert [r.row for r in pareto(found.table, "post_bpb")] == ["small", "large"]


def factorial(seeds: int, interaction: float) -> Analysis:
    """Two values of a, three of b: effects 0.1 a and 0.02 b, plus what both add."""
    rng, rows = np.random.default_rng(1), []
    for a, b in product((0, 1), (0, 1, 2)):
        truth = 1.0 + 0.1 * a + 0.02 * b + interaction * a * (b == 1)
        own = {k: v for k, v in (("a", a), ("b", b)) if v}
        scores = {s: (None, truth + float(rng.normal(0, 1e-4))) for s in range(seeds)}
        rows.append(row(f"{a}{b}", scores, "" if not own else "00", own, {"a": 0, "b": 0}))
    return analyze(study(*rows))


def test_a_full_factorial_splits_its_variance() -> None:
    first, second = main_effects(factorial(3, 0.0))
    assert (first.factor, second.factor) == ("a", "b")
    assert first.span == pytest.approx(0.1, abs=1e-3)
    a, b = np.var([0, 0.1]), np.var([0, 0.02, 0.04])
    assert first.share == pytest.approx(a / (a + b), abs=1e-2)
    assert first.share + second.share == pytest.approx(1, abs=1e-4)
    assert "a makes 9" in said(factorial(3, 0.0))


def test_an_interaction_is_what_two_changes_do_beyond_their_sum() -> None:
    with_one, with_two = interactions(factorial(3, 0.03))
    assert with_one.values == ((0, 1), (0, 1))
    assert with_one.contrast.mean == pytest.approx(0.03, abs=1e-3)
    assert with_two.contrast.mean == pytest.approx(0.0, abs=1e-3)
    assert "a 1 with b 1 together: +0.0" in said(factorial(3, 0.03))


def test_one_seed_proves_no_interaction() -> None:
    assert interactions(factorial(1, 0.03))[0].contrast.test == "none"
    assert "together" not in said(factorial(1, 0.03))


def test_one_factor_at_a_time_has_neither() -> None:
    found = analyze(
        study(
            row("base", (1.0, 1.1), base=BASE),
            row("a", (1.0, 1.1), "base", {"model.rope_dims": 8}, BASE),
            row("b", (1.0, 1.1), "base", {"quant.bits": 6}, BASE),
        )
    )
    assert main_effects(found) == interactions(found) == []


@pytest.mark.parametrize(
    ("condition", "word"),
    [
        ("device", "device"),
        ("torch", "torch version"),
        ("bpb_convention", "convention"),
        ("val_sha256", "validation text"),
    ],
)
def test_a_row_made_under_other_conditions_is_named(condition: str, word: str) -> None:
    found = analyze(
        study(
            row("base", (1.0, 1.1), **{condition: "one"}),
            row("same", (1.0, 1.1), "base", **{condition: "one"}),
            row("other", (1.0, 1.1), "base", **{condition: "two"}),
        )
    )
    (warning,) = [w for w in cautions(found) if word in w]
    assert "other (two, not one)" in warning
    assert "same" not in warning


def test_other_steps_are_a_warning_unless_they_are_the_factor() -> None:
    found = analyze(
        study(
            row("base", (1.0, 1.1), steps=1000, base=BASE),
            row("slow", (1.0, 1.1), "base", {"model.rope_dims": 8}, BASE, steps=900),
            row("less", (1.0, 1.1), "base", {"train.steps": 50}, BASE, steps=500),
            row("near", (1.0, 1.1), "base", {"quant.bits": 6}, BASE, steps=999),
            wallclock_budget=True,
        )
    )
    (warning,) = [w for w in cautions(found) if "steps" in w]
    assert "under a budget in seconds" in warning
    assert "slow (900 steps, base 1,000)" in warning
    assert "less" not in warning
    assert "near" not in warning


def test_bytes_that_no_factor_explains_are_a_warning() -> None:
    own = {"model.rope_dims": 24}
    found = analyze(
        study(
            row("base", (1.0, 1.1), base=BASE, artifact_bytes=16_934_743),
            row("rope24", (1.0, 1.1), "base", own, BASE, artifact_bytes=16_394_907),
            row("int6", (1.0, 1.1), "base", {"quant.bits": 6}, BASE, artifact_bytes=12_000_000),
        )
    )
    (warning,) = [w for w in cautions(found) if "no tensor" in w]
    assert warning.startswith("rope24: model.rope_dims")
    assert "−539,836 bytes" in warning


def test_several_baselines_and_lone_seeds_are_said() -> None:
    found = analyze(
        study(row("a", (1.0, 1.1)), row("b", (1.0, 1.1), "a"), row("c", (1.0, 1.1), "b"))
    )
    text = "\n".join(cautions(found))
    assert "more than one baseline: b against a; c against b" in text
    assert "One seed only: a, b, c; nothing here tells how much chance" in text


def test_an_even_table_has_no_warnings() -> None:
    scores = {1: (1.0, 1.1), 2: (1.0, 1.2)}
    found = analyze(study(row("a", scores, torch="2"), row("b", scores, "a", torch="2")))
    assert cautions(found) == []
