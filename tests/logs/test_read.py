"""Logs of eleven families against what stands in them, and shapes that none of them has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf.errors import GolfError
from golf.logs.index import as_entry
from golf.logs.meaning import Kind, kind_of
from golf.logs.read import parse_log, read_log

DATA = Path(__file__).parents[1] / "data" / "logs"
EXPECTED: dict[str, dict[str, Any]] = json.loads((DATA / "expected.json").read_text())

HEAD = "seed:42\nmodel_params:17059912\n"
STEPS = (
    "step:0/100 val_loss:6.9 val_bpb:4.1000 train_time:0ms step_avg:0.02ms\n"
    "step:50/100 train_loss:3.0 train_time:2500ms step_avg:50.0ms\n"
    "step:100/100 val_loss:2.1 val_bpb:1.2500 train_time:5000ms step_avg:50.0ms\n"
)
SIZES = (
    "Serialized model: 67224983 bytes\nCode size: 47,642 bytes\n"
    "Total submission size: 67272625 bytes\n"
    "Serialized model int8+zlib: 15815847 bytes (payload:1 raw_torch:2 payload_ratio:3.91x)\n"
    "Total submission size int8+zlib: 15863489 bytes\n"
)
POST = (
    "final_int8_zlib_roundtrip val_loss:2.0727 val_bpb:1.2600 eval_time:1401ms\n"
    "final_int8_zlib_roundtrip_exact val_loss:2.07269931 val_bpb:1.26004321\n"
)
SOURCE = '''\
"""A training script."""
from __future__ import annotations
import os
import sys
import torch

class Hyperparameters:
    seed = int(os.environ.get("SEED", 1337))
# step:90/100 val_loss:1.0 val_bpb:1.1000
def main():
    """
    seed: 7
    final_int8_zlib_roundtrip_exact val_loss:2.0 val_bpb:9.99999999
    """
    log0(f"final_int8_zlib_roundtrip val_loss:{q_loss:.4f} val_bpb:{q_bpb:.4f}")

if __name__ == "__main__":
    main()
'''


def only(text: str) -> dict[str, Any]:
    (run,) = parse_log(text, "x.log")
    return as_entry(run)


@pytest.mark.parametrize("name", EXPECTED)
def test_every_value_of_a_real_log_is_found(name: str) -> None:
    (run,) = read_log(DATA / name)
    entry = as_entry(run)
    assert {key: entry.get(key) for key in EXPECTED[name]} == EXPECTED[name]


@pytest.mark.parametrize("rule", ["", "=" * 100 + "\n"])
def test_numbers_in_the_scripts_own_source_are_not_results(rule: str) -> None:
    entry = only(rule + SOURCE + rule + HEAD + STEPS + SIZES + POST)
    assert entry == {**only(HEAD + STEPS + SIZES + POST), "source_lines_removed": 18}
    assert (entry["seed"], entry["post_quant_bpb"]) == (42, 1.26004321)


def test_source_with_rules_in_it_is_still_source() -> None:
    ruled = SOURCE.replace("def main", "=" * 40 + "\nhelp\n" + "=" * 40 + "\ndef main")
    entry = only(ruled + HEAD + STEPS + POST)
    assert entry["seed"] == 42
    assert entry["post_quant_bpb"] == 1.26004321


def test_several_runs_in_a_file_are_told_apart() -> None:
    second = (HEAD + STEPS + POST).replace("seed:42", "seed:43").replace("1.26004321", "1.27000001")
    runs = [as_entry(r) for r in parse_log(HEAD + STEPS + SIZES + POST + second, "x.log")]
    assert [r["seed"] for r in runs] == [42, 43]
    assert [r["post_quant_bpb"] for r in runs] == [1.26004321, 1.27000001]
    assert [r["artifact_bytes"] for r in runs] == [15863489, None]
    assert [r["n_runs"] for r in runs] == [2, 2]


def test_runs_without_a_header_are_told_apart_by_their_steps() -> None:
    assert [r.last_step for r in parse_log(STEPS + STEPS, "x.log")] == [100, 100]


def test_a_log_of_an_evaluation_alone_has_no_training() -> None:
    entry = only("final_int6_sliding_window_exact val_loss:1.9 val_bpb:1.12345678 stride:64\n")
    assert entry["sliding_bpb"] == 1.12345678
    assert entry["steps"] is entry["pre_quant_bpb"] is entry["stop_reason"] is None


def test_a_log_that_was_cut_has_no_score_before_quantization() -> None:
    entry = only(
        HEAD + STEPS.replace("step:100/100 val", "step:80/100 val") + "step:90/100 train_loss:2.0\n"
    )
    assert entry["pre_quant_bpb"] is None
    assert entry["last_step_val_bpb"] == 1.25
    assert entry["steps"] == 90
    assert entry["stop_reason"] is None


def test_a_sliding_number_under_the_roundtrip_label_is_sliding() -> None:
    entry = only(HEAD + STEPS + "final_eval_mode:sliding_window stride:64\n" + POST)
    assert entry["post_quant_bpb"] is None
    assert entry["sliding_bpb"] == 1.26004321


def test_a_label_that_repeats_the_sliding_number_is_an_alias() -> None:
    sliding = "final_int6_sliding_window_exact val_loss:1.9 val_bpb:1.12266500\n"
    alias = "final_int8_zlib_roundtrip_exact val_loss:1.9 val_bpb:1.12266500\n"
    entry = only(HEAD + STEPS + "final_int6_roundtrip_exact val_bpb:1.14603270\n" + sliding + alias)
    assert entry["post_quant_bpb"] == 1.1460327
    assert entry["alias_labels_repeating_sliding"] == ["final_int8_zlib_roundtrip_exact"]


def test_the_exact_line_wins_over_its_rounded_twin_in_any_order() -> None:
    rounded, exact = POST.splitlines(keepends=True)
    for text in (rounded + exact, exact + rounded):
        assert only(HEAD + STEPS + text)["post_quant_bpb"] == 1.26004321


def test_uncompressed_sizes_are_not_the_artifact() -> None:
    entry = only(HEAD + STEPS + "".join(SIZES.splitlines(keepends=True)[:3]))
    assert (entry["artifact_bytes"], entry["model_bytes"], entry["code_bytes"]) == (
        None,
        None,
        47642,
    )


def test_an_artifact_over_the_decimal_limit_does_not_fit() -> None:
    over = "Total submission size int6+lzma: 16000001 bytes\n"
    assert only(HEAD + STEPS + over)["fits_16000000"] is False


def test_steps_of_test_time_training_are_not_of_the_training() -> None:
    after = (
        "step 1/5 loss: 2.0\nstep 5/5 loss: 1.9\nlegal_ttt_exact val_loss:1.8 val_bpb:1.19999999\n"
    )
    entry = only(HEAD + STEPS + SIZES + POST + after)
    assert (entry["steps"], entry["iterations_cap"], entry["post_ttt_bpb"]) == (
        100,
        100,
        1.19999999,
    )


@pytest.mark.parametrize(
    "prefix", ["[rank0]: ", "2026-03-18 14:37:59,123 - INFO - ", "[14:37:59] ", "\x1b[32m"]
)
def test_prefixes_of_launchers_and_loggers_do_not_matter(prefix: str) -> None:
    text = "".join(prefix + x for x in (HEAD + STEPS + SIZES + POST).splitlines(keepends=True))
    assert only(text) == only(HEAD + STEPS + SIZES + POST)


def test_sizes_are_known_by_other_names_too() -> None:
    sizes = (
        "serialized_model_int8_zlib:15815847 bytes\ncode_bytes: 47642\nartifact_bytes=15,863,489\n"
    )
    entry = only(HEAD + STEPS + sizes)
    assert (entry["model_bytes"], entry["code_bytes"]) == (15815847, 47642)
    assert entry["artifact_bytes"] == 15863489
    assert only(HEAD + STEPS + "artifact size: 15.92 MB\n")["artifact_bytes"] is None


def test_steps_without_a_total_and_numbers_with_commas_are_read() -> None:
    head = "seed: 3\nmodel_params: 35,943,512\niterations: 100\n"
    entry = only(head + "step 100 | val loss 2.1 | val bpb 1.25 |\n")
    assert (entry["steps"], entry["iterations_cap"], entry["model_params"]) == (100, 100, 35943512)
    assert entry["pre_quant_bpb"] == 1.25


def test_progress_bars_that_overwrite_their_line_are_lines() -> None:
    assert only((HEAD + STEPS).replace("\n", "\r"))["steps"] == 100


def test_the_closing_block_of_autoresearch_is_read() -> None:
    block = (
        "---\nval_bpb:          0.997900\ntraining_seconds: 300.1\npeak_vram_mb:     45060.2\n"
        "num_steps:        953\nnum_params_M:     50.3\ndepth:            8\n"
    )
    entry = only(block)
    assert (entry["pre_quant_bpb"], entry["steps"], entry["train_time_ms"]) == (0.9979, 953, 300100)
    assert entry["peak_alloc_mib"] == 45060
    assert entry["model_params"] is None  # 50.3 million is rounded


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("DIAGNOSTIC post_ema", Kind.PRE),
        ("diagnostic pre-quantization post-ema", Kind.PRE),
        ("diagnostic quantized", Kind.POST),
        ("final_mixed_int5_int6_roundtrip_exact", Kind.POST),
        ("final_ternary_roundtrip", Kind.POST),
        ("quantized_sliding_window", Kind.SLIDING),
        ("final_int6_sliding_window_s64_exact", Kind.SLIDING),
        ("quantized_ttt_phased", Kind.TTT),
        ("final_ttt_lora", Kind.TTT),
        ("quantized_sliding_etlb", Kind.OTHER),
        ("post-prequant-ttt", Kind.OTHER),
        ("post-quantization pre-ttt", Kind.POST),
        ("final_causal_slot_exact", Kind.OTHER),
        ("attttention", Kind.OTHER),
        ("run_quantized_eval", Kind.POST),
        ("final_int6_post_ema_roundtrip", Kind.POST),
        ("quantization-aware training", Kind.OTHER),
        ("gated_deltanet int6 roundtrip", Kind.POST),
        ("diff_attn int6 roundtrip", Kind.POST),
        ("delta int6", Kind.OTHER),
        ("ttt off", Kind.OTHER),
    ],
)
def test_labels_are_read_by_what_they_mean(label: str, kind: Kind) -> None:
    assert kind_of(label, sliding_mode=False) is kind


def test_a_text_without_runs_has_none() -> None:
    assert parse_log("hello\nworld 1.5\nseed: 3\n", "x") == []


@given(st.text(max_size=400))
def test_no_text_breaks_the_reader(text: str) -> None:
    entries = [as_entry(run) for run in parse_log(text, "x")]
    assert json.loads(json.dumps(entries, allow_nan=False)) == entries


@given(st.permutations((HEAD + STEPS + SIZES + POST).splitlines()))
def test_no_order_of_lines_breaks_the_reader(lines: list[str]) -> None:
    assert all(as_entry(r) for r in parse_log("\n".join(lines), "x"))


def test_a_binary_file_is_told_plainly(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"\0\1\2")
    with pytest.raises(GolfError, match="not a text file"):
        read_log(tmp_path / "model.bin")
