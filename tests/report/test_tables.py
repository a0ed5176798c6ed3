"""Tables around the main one: what each promises its reader."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from golf.report.findings import findings
from golf.report.study import Curve, Failure
from golf.report.table import analyze
from golf.report.tables.factors import factor_tables
from golf.report.tables.footing import failure_table, footing_table
from golf.report.tables.judged import delta_table, greedy_table, negative_table
from golf.report.tables.main import budget_table, seed_table
from golf.report.tables.shape import Table, p_value, signed
from tests.report.made import row, study


def read(table: Table | None) -> list[dict[str, str]]:
    assert table is not None
    return [dict(zip(table.columns, cells, strict=True)) for cells in table.rows]


THREE = {1: (1.10, 1.20), 2: (1.11, 1.21), 3: (1.12, 1.22)}
BETTER = {1: (1.00, 1.10), 2: (1.01, 1.112), 3: (1.02, 1.119)}


def test_a_delta_names_its_row_its_test_and_its_verdict() -> None:
    found = analyze(study(row("base", THREE), row("wide", BETTER, "base")))
    (line,) = read(delta_table(found, "post_bpb"))
    assert (line["Row"], line["Against"], line["Test"], line["n"]) == (
        "wide",
        "base",
        "paired",
        "3",
    )
    assert (line["Δ"], line["Verdict"]) == ("−0.0997", "better")
    assert line["95 % interval"] == "−0.1035 to −0.0959"  # 4.303 standard errors of 0.00088


def test_a_lone_seed_is_held_against_the_noise_floor() -> None:
    found = analyze(
        study(row("base", THREE), row("near", (1.1, 1.201), "base"), row("far", (1.0, 0.9), "base"))
    )
    near, far = read(delta_table(found, "post_bpb"))
    assert near["Verdict"] == "one seed, within the noise floor"
    assert far["Verdict"] == "one seed, beyond the noise floor"
    assert near["p"] == near["95 % interval"] == "—"


def test_without_replicates_no_noise_floor_is_claimed() -> None:
    found = analyze(study(row("base", (1.0, 1.1)), row("x", (1.0, 1.2), "base")))
    table = delta_table(found, "post_bpb")
    assert read(table)[0]["Verdict"] == "one seed"
    assert table is not None
    assert "no noise floor" in table.notes[1]


@given(st.floats(0, 1))
def test_rounding_carries_no_p_value_over_a_threshold(p: float) -> None:
    shown = float(p_value(p))
    assert (shown < 0.05) == (p < 0.05)
    assert (shown < 0.01) == (p < 0.01)


@given(st.floats(-1, 1))
def test_rounding_hides_no_difference(value: float) -> None:
    shown = float(signed(value).replace("−", "-"))
    assert (shown > 0) == (value > 1e-12)
    assert (shown < 0) == (value < -1e-12)


def test_seeds_end_with_mean_and_sample_deviation() -> None:
    found = analyze(study(row("base", THREE, artifact_bytes=15_000_000)))
    lines = read(seed_table(found))
    assert [line["Seed"] for line in lines] == ["1", "2", "3", "Mean", "Std"]
    assert lines[3]["Post-quant"] == "1.2100"
    assert lines[4]["Post-quant"] == "0.01000"
    assert lines[0]["Artifact"] == "15,000,000"


def test_single_seeds_need_no_table_of_seeds() -> None:
    assert seed_table(analyze(study(row("base", (1.0, 1.1))))) is None


def test_the_budget_counts_down_from_decimal_bytes() -> None:
    found = analyze(
        study(
            row("small", (1.0, 1.1), artifact_bytes=15_999_999),
            row("big", (1.0, 1.1), artifact_bytes=16_000_001),
        )
    )
    small, big = read(budget_table(found.table))
    assert (small["Bytes left"], small["Fits"]) == ("1", "yes")
    assert (big["Bytes left"], big["Fits"]) == ("−1", "no")


def test_a_factor_has_a_table_with_the_gap_of_quantization() -> None:
    base = {"model.rope_dims": 16, "quant.bits": 6}
    found = analyze(
        study(
            row("base", (1.0712, 1.0781), base=base),
            row("rope32", (1.0705, 1.0806), "base", {"model.rope_dims": 32}, base),
            row("rope24", (1.0715, 1.0815), "base", {"model.rope_dims": 24}, base),
            row("both", (1.0, 1.1), "base", {"model.rope_dims": 8, "quant.bits": 8}, base),
        )
    )
    (table,) = factor_tables(found)
    assert table.title == "model.rope_dims"
    assert [line["Value"] for line in read(table)] == ["16", "24", "32"]
    assert [line["Quantization gap"] for line in read(table)] == ["+0.0069", "+0.0100", "+0.0101"]


GREEDY = (
    row("1", (None, 1.3549)),
    row("2", (None, 1.3501), "1", change="muon_wd 0.02"),
    row("3", (None, 1.3526), "2", change="mlp 3x", expect="-0.003", why="fewer steps"),
    row("4", (None, None), "2", change="crashes"),
    row("5", (None, 1.3469), "2", change="T 2048"),
)


def test_a_greedy_log_keeps_what_is_below_its_parent() -> None:
    found = analyze(study(*GREEDY, failures=(Failure("4", 1, "train", "OutOfMemoryError"),)))
    lines = read(greedy_table(found))
    assert [x["Status"] for x in lines] == ["keep", "keep", "discard", "crash", "keep"]
    assert [x["Best so far"] for x in lines] == ["1.3549", "1.3501", "1.3501", "1.3501", "1.3469"]
    assert lines[2]["Description"] == "mlp 3x (+0.0025 vs 2)"
    assert lines[4]["Description"] == "T 2048 (−0.0032 vs 2)"


def test_one_baseline_for_all_is_no_greedy_search() -> None:
    assert greedy_table(analyze(study(row("a", (1.0, 1.0)), row("b", (1.0, 1.0), "a")))) is None


def test_negative_results_keep_what_was_expected_and_why() -> None:
    (line,) = read(negative_table(analyze(study(*GREEDY))))
    assert line["Technique"] == "mlp 3x"
    assert (line["Expected"], line["Actual"]) == ("-0.003", "+0.0025 vs 2")
    assert (line["Verdict"], line["Why"]) == ("one seed", "fewer steps")


def test_a_row_that_is_worse_is_a_negative_result_though_nobody_said_why() -> None:
    worse = {s: (pre, post + 0.1) for s, (pre, post) in BETTER.items()}
    rows = (row("base", THREE), row("lost", {s: (1.0, 1.5 + s * 1e-3) for s in THREE}, "base"))
    (line,) = read(negative_table(analyze(study(*rows, row("same", worse, "base")))))
    assert (line["Row"], line["Verdict"], line["Why"]) == ("lost", "worse", "—")
    assert negative_table(analyze(study(row("base", THREE), row("wide", BETTER, "base")))) is None


def test_a_margin_says_which_rows_are_equivalent() -> None:
    same = {s: (1.1, post + 1e-4 * s) for s, (_, post) in THREE.items()}
    rows = (row("base", THREE), row("same", same, "base"), row("wide", BETTER, "base"))
    lone = row("lone", (1.1, 1.2), "base")
    found = analyze(study(*rows, lone, margin=0.01))
    table = delta_table(found, "post_bpb")
    told = [line["Within ±0.01"].partition(" (")[0] for line in read(table)]
    assert told == ["yes", "not shown", "—"]
    p = stats.ttest_1samp([1e-4, 2e-4, 3e-4], 0.01, alternative="less").pvalue
    same_found = found.of("same").judged["post_bpb"]
    assert same_found is not None
    assert same_found.p_equivalent == pytest.approx(2 * p)  # Holm: the smaller of two
    assert "Within ±0.01 of the row that they are compared with: same." in str(findings(found))
    assert "Within" not in str(delta_table(analyze(study(*rows)), "post_bpb"))


def test_failures_are_kept_with_their_error() -> None:
    failed = (Failure("4", 1, "train", "OutOfMemoryError: tried to allocate"),)
    (line,) = read(failure_table(analyze(study(*GREEDY, failures=failed))))
    assert line["Error"] == "OutOfMemoryError: tried to allocate"


def test_rows_meet_at_the_time_and_the_tokens_that_all_of_them_had() -> None:
    curves: dict[Any, Curve] = {
        "slow": Curve([10, 20], [4.0, 3.0], [5.0, 10.0], [100.0, 200.0]),
        "fast": Curve([10, 20, 40], [4.0, 3.0, 2.0], [2.5, 5.0, 10.0], [100.0, 200.0, 400.0]),
    }
    found = analyze(
        study(row("slow", (1.0, 1.0)), row("fast", (1.0, 1.0)), curve=lambda r, s: curves[r])
    )
    slow, fast = read(footing_table(found))
    assert (slow["Loss at 10.0 s"], fast["Loss at 10.0 s"]) == ("3.0000", "2.0000")
    assert (slow["Loss at 200 tokens"], fast["Loss at 200 tokens"]) == ("3.0000", "3.0000")


@pytest.mark.parametrize(("seconds", "loss"), [(7.5, "2.5000"), (5.0, "3.0000")])
def test_between_two_points_a_curve_is_straight(seconds: float, loss: str) -> None:
    curves = {
        "short": Curve([1], [9.0], [seconds], [400.0]),
        "long": Curve([10, 20, 40], [4.0, 3.0, 2.0], [2.5, 5.0, 10.0], [100.0, 200.0, 400.0]),
    }
    found = analyze(
        study(row("short", (1.0, 1.0)), row("long", (1.0, 1.0)), curve=lambda r, s: curves[r])
    )
    assert read(footing_table(found))[1][f"Loss at {seconds:.1f} s"] == loss
