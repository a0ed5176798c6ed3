"""Shapes of logs that are easily misread: what a line does not say stays empty."""

from __future__ import annotations

from typing import Any

import pytest

from golf.logs.index import as_entry
from golf.logs.read import parse_log
from golf.logs.run import curve_of

START = "seed:5\nstep:0/2000 val_loss:6.9 val_bpb:4.1000 train_time:0ms\n"
END = "step:2000/2000 val_loss:2.0 val_bpb:1.1845 train_time:86000ms\n"


def only(text: str) -> dict[str, Any]:
    (run,) = parse_log(text, "x.log")
    return as_entry(run)


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("Total submission size int8+zlib: 17.85 MB", "artifact_bytes", None),
        ("Total submission size (MB): 16", "artifact_bytes", None),
        ("Total submission size: 16 million bytes", "artifact_bytes", None),
        ("Total submission size int8+zlib: 15,850,000 (margin 150000)", "artifact_bytes", 15850000),
        ("Code size (KB): 48", "code_bytes", None),
        ("Code size: 48 kB", "code_bytes", None),
        ("time budget: 300/600", "artifact_bytes", None),
        ("budget:15993853/16000000 (15.99/16.00MB) FITS", "artifact_bytes", 15993853),
        ("peak memory: 45.2 GB", "peak_alloc_mib", None),
        ("peak_memory: 47267900416", "peak_alloc_mib", None),
        ("Peak memory usage: 75422.02MiB", "peak_alloc_mib", 75422),
    ],
)
def test_rounded_sizes_and_other_units_are_not_sizes(line: str, name: str, value: Any) -> None:
    assert only(START + END + line + "\n")[name] == value


def test_a_run_that_was_killed_right_after_a_validation_has_no_final_score() -> None:
    text = START + "step:1000/2000 val_loss:2.2 val_bpb:1.3030 train_time:43000ms\n"
    for ending in ("", "torch.OutOfMemoryError: CUDA out of memory.\n"):
        entry = only(text + ending)
        assert (entry["pre_quant_bpb"], entry["final_metric"]) == (None, None)
        assert (entry["steps"], entry["last_step_val_bpb"]) == (1000, 1.303)
    stopped = only(text + "stopping_early: wallclock_cap train_time:43000ms step:1000/2000\n")
    assert stopped["pre_quant_bpb"] == 1.303


def test_a_run_that_diverged_has_steps_and_no_score() -> None:
    entry = only(
        START + "step:1000/2000 val_loss:2.2 val_bpb:1.3030 train_time:43000ms\n"
        "step:1100/2000 train_loss:nan train_time:47000ms\n"
        "step:2000/2000 val_loss:nan val_bpb:NaN train_time:86000ms\n"
        "final_int8_zlib_roundtrip_exact val_loss:nan val_bpb:nan\n"
    )
    scores = {entry[f"{kind}_bpb"] for kind in ("pre_quant", "post_quant", "sliding", "post_ttt")}
    assert scores == {None}
    assert (entry["steps"], entry["last_step_val_bpb"]) == (2000, None)


def test_gaps_gains_and_the_scores_of_others_are_not_this_runs() -> None:
    own = (
        "final_int6_roundtrip_exact val_loss:2.01000000 val_bpb:1.19050000\n"
        "legal_ttt_exact val_loss:2.00000000 val_bpb:1.18001234\n"
    )
    others = (
        "quantization gap bpb: 0.006012345\nTTT gain bpb: -0.010512345678\n"
        "quantization loss bpb: 0.006012345678\nint6 degradation: bpb 0.0060123456789\n"
        "Previous SOTA int6 sliding val_bpb: 1.1228\nint6 roundtrip val_bpb: -0.006012345678\n"
        "int6 roundtrip mean val_bpb: 1.1912345678\n"
    )
    assert only(START + END + own + others) == only(START + END + own)


def test_the_last_validation_may_come_after_the_line_that_says_why_it_stopped() -> None:
    entry = only(
        "step:1000/20000 val_loss:2.1 val_bpb:1.25 train_time:300000ms\n"
        "step:1980/20000 train_loss:2.05 train_time:599000ms\n"
        "stopping_early: wallclock_cap train_time:600010ms step:1984/20000\n"
        "step:1984/20000 val_loss:2.0700 val_bpb:1.2300 train_time:600010ms\n"
        "step 1/5 loss: 2.0\n"
    )
    assert (entry["steps"], entry["pre_quant_bpb"], entry["n_runs"]) == (1984, 1.23, 1)


def test_a_stop_at_a_step_without_a_validation_leaves_no_final_score() -> None:
    entry = only(
        "step:1000/20000 val_loss:2.1 val_bpb:1.25 train_time:300000ms\n"
        "stopping_early: wallclock_cap train_time:600010ms step:1984/20000\n"
    )
    assert (entry["steps"], entry["pre_quant_bpb"]) == (1984, None)


def test_logs_of_nanochat_are_read() -> None:
    entry = only(
        "Number of parameters: 560,988,160\n"
        "Step 00000 | Validation bpb: 3.3016\n"
        "step 00100/21400 (0.47%) | loss: 6.090355 | lrm: 1.00 | dt: 500.00ms | tok/sec: 1,050\n"
        "Step 21400 | Validation bpb: 0.8128\nStep 21400 | CORE metric: 0.2100\n"
        "Peak memory usage: 75422.02MiB\nMinimum validation bpb: 0.8120\n"
    )
    assert (entry["steps"], entry["iterations_cap"]) == (21400, 21400)
    assert (entry["pre_quant_bpb"], entry["post_quant_bpb"]) == (0.8128, None)
    assert entry["model_params"] == 560_988_160


def test_losses_of_modded_nanogpt_are_kept() -> None:
    entry = only(
        "step:0/1750 val_loss:10.8258 train_time:0ms step_avg:0.04ms\n"
        "step:1/1750 train_time:120ms step_avg:120.00ms\n"
        "step:1750/1750 val_loss:3.2779 train_time:89543ms step_avg:51.17ms\n"
    )
    assert (entry["last_step_val_loss"], entry["last_step_val_bpb"]) == (3.2779, None)


def test_lines_of_json_say_the_same_as_words() -> None:
    entry = only(
        '{"seed": 3, "iterations": 2000}\n{"step": 0, "val_loss": 6.9, "val_bpb": 4.1}\n'
        '{"step": 2000, "total": 2000, "val_loss": 2.0, "val_bpb": 1.1840}\n'
        '{"event": "final_int8_zlib_roundtrip", "step": 2000, "val_bpb": 1.19051234}\n'
        '{"event": "done", "more": {"val_bpb": 1.0}, "ok": true, "none": null}\n{"broken": \n'
    )
    assert (entry["seed"], entry["steps"], entry["iterations_cap"]) == (3, 2000, 2000)
    assert (entry["pre_quant_bpb"], entry["decimals"]["pre_quant"]) == (1.184, 4)
    assert entry["labels"]["post_quant"] == "final_int8_zlib_roundtrip"


@pytest.mark.parametrize(
    "line",
    [
        "step 1,000/2,000 | val_bpb 1.2345",
        "[step 1000/2000] val_bpb=1.2345",
        "iter 1000: loss 3.2, val_bpb 1.2345",
        "0: step:1000/2000 val_bpb:1.2345",
        "INFO:root:step:1000/2000 val_bpb:1.2345",
        "step 1000/2000 val/loss 2.1 val/bpb 1.2345",
    ],
)
def test_steps_are_known_in_other_spellings(line: str) -> None:
    entry = only(line + "\nquantized val_bpb: 1.3000\n")
    assert (entry["steps"], entry["pre_quant_bpb"]) == (1000, 1.2345)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Sliding bpb 1.1600 (roundtrip val_bpb 1.1900)", {"sliding": 1.16, "post_quant": 1.19}),
        ("int8 bpb=1.225 (sliding stride=64 bpb=1.19)", {"post_quant": 1.225, "sliding": 1.19}),
        ("int8 bpb=1.225 sliding stride=64 bpb=1.19", {"post_quant": 1.225, "sliding": 1.19}),
        ("int6 bpb=1.1900 (stride=64), int6 bpb=1.2250", {"sliding": 1.19, "post_quant": 1.225}),
        ("int6 bpb=1.19 in 9s, stride=64 | int6 bpb=1.225", {"sliding": 1.19, "post_quant": 1.225}),
        ("ttt: bpb 1.1905 -> bpb 1.1800", {}),
        ("ttt: before val_bpb 1.1905 after val_bpb 1.1800", {}),
        ("ttt epoch 1/3 val_bpb:1.1900", {}),
        ("ttt step 1/30 val_bpb:1.1900", {}),
        ("TTT:  50%|█████     | 10/20 [00:01, bpb=1.2200]", {}),
        ("before quantization val_bpb: 1.1800", {"pre_quant": 1.18}),
        ("int8 roundtrip (no sliding) val_bpb: 1.1906", {"post_quant": 1.1906}),
        ("step:2000/2000 int8 roundtrip val_bpb: 1.1906", {"post_quant": 1.1906}),
        ("int8 roundtrip val_bpb: 1.1906 artifact_bytes: 15863489", {"post_quant": 1.1906}),
    ],
)
def test_a_line_gives_the_scores_that_it_names(line: str, found: dict[str, float]) -> None:
    entry = only(START + "step:2000/2000 train_loss:2.0\n" + line + "\n")
    kinds = ("pre_quant", "post_quant", "sliding", "post_ttt")
    assert {k: entry[f"{k}_bpb"] for k in kinds if entry[f"{k}_bpb"]} == found


@pytest.mark.parametrize(
    "head",
    [
        "Namespace(steps=9, seed=42)",
        "{'steps': 9, 'seed': 42}",
        "args: Namespace(seed=42, lr=0.1)",
        "  args = Namespace(seed=42)",
        "config: {'seed': 42, 'lr': 0.1}",
        "hparams = my.Config(lr=0.1, seed=42)",
    ],
)
def test_a_seed_is_found_in_what_python_prints(head: str) -> None:
    assert only(head + "\n" + END)["seed"] == 42


def test_a_validation_loss_is_no_training_loss() -> None:
    lines = "".join(f"step {n}/3 val: loss 2.{n}\nstep {n}/3 aux loss 0.{n}\n" for n in (1, 2))
    (run,) = parse_log(lines, "x")
    assert (run.steps[0].val_loss, run.last_step) == (2.1, 2)
    assert curve_of(run) is None


def test_what_stands_before_further_steps_is_not_of_the_finished_training() -> None:
    early = (
        "early_stopping: False\npeak memory allocated: 9 MiB\n" + START
        + "post_ema val_bpb:1.9000\nSerialized model int8+zlib: 9999 bytes\n"
    )  # fmt: skip
    entry = only(early + END)
    assert (entry["pre_quant_bpb"], entry["model_bytes"], entry["steps"]) == (1.1845, None, 2000)
    assert (entry["peak_alloc_mib"], entry["stop_reason"]) == (None, "iterations_cap")


def test_closing_blocks_of_several_runs_are_told_apart() -> None:
    runs = parse_log(
        "".join(f"---\nval_bpb: {x}\nnum_steps: 900\ndepth: 8\n" for x in (0.99, 0.98)), "x"
    )
    assert [as_entry(r)["pre_quant_bpb"] for r in runs] == [0.99, 0.98]


def test_numbers_of_absurd_length_are_no_numbers() -> None:
    long = "9" * 5000
    text = (
        f"step:{long}/{long} val_bpb:1.1\ntrain_time:{long}ms\nnum_steps: {long}\n"
        f"Serialized model x: {long} bytes\nCode size: {long} bytes\n"
        f"peak memory: {long} MiB\nstopping_early: cap step:{long}/{long}\n"
    )
    assert only(START + END + text) == only(START + END + "stopping_early: cap\n")
    assert only(START.replace("seed:5", f"seed:{long}"))["seed"] is None


@pytest.mark.parametrize(
    ("end", "whole", "name", "value"),
    [
        ("Total submission size int8+zlib: 15,863,", "489 bytes", "artifact_bytes", 15863489),
        ("Total submission size int8+zlib: 1586", "3489 bytes", "artifact_bytes", 15863489),
        ("Total submission size int8+zlib: 15863489", " bytes", "artifact_bytes", 15863489),
        ("Total submission size int8+zlib: 15920 kil", "obytes", "artifact_bytes", None),
        ("artifact_bytes=15863", "489", "artifact_bytes", 15863489),
        ("Serialized model int8+zlib: 158158", "47 bytes", "model_bytes", 15815847),
        ("budget:15993", "853/16000000", "artifact_bytes", 15993853),
        ("int8_roundtrip_exact val_bpb:1.2", "6004321", "post_quant_bpb", 1.26004321),
        ('{"event": "int8_roundtrip", "val_bpb": 1.2', '6004321}', "post_quant_bpb", 1.26004321),
    ],
)  # fmt: skip
def test_a_number_that_a_log_breaks_off_in_is_none(
    end: str, whole: str, name: str, value: Any
) -> None:
    assert only(START + END + end)[name] is None
    assert only(START + END + end + whole + "\n")[name] == value


def test_a_number_with_words_behind_it_is_whole_also_where_a_log_breaks_off() -> None:
    entry = only(START + END + "int8_roundtrip_exact val_bpb:1.26004321 eval_ti")
    assert entry["post_quant_bpb"] == 1.26004321
    assert only(START + END + "Code size: 47642 by")["code_bytes"] == 47642


def test_a_last_validation_that_breaks_off_is_not_the_score() -> None:
    assert only(START + END.replace("845 train_time:86000ms\n", ""))["pre_quant_bpb"] is None
