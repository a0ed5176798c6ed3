"""``submission.json``: the fields of the challenge's records, and golf's own evidence."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from golf.report.table import Spread, spread
from golf.statistics.challenge import bpb_to_nats
from golf.submit.against import Rival
from golf.submit.checks import Check, Status, hardware, seconds_of
from golf.submit.entry import Entry

FOUND = {Status.MET: True, Status.NOT_MET: False, Status.UNCHECKED: None}
TRACKS = {True: "track_10min_16mb", False: "track_non_record_16mb"}


def today() -> str:
    """Return the date of a record, in UTC."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def track_of(checks: Sequence[Check]) -> str:
    """Return the challenge's track: the record track only where every check is met."""
    return TRACKS[all(c.status is Status.MET for c in checks)]


def is_complete(checks: Sequence[Check]) -> bool:
    """Say whether the script ran and gave the recorded numbers."""
    return all(c.status is Status.MET for c in checks if c.name == "script_reproduces")


def submission(entry: Entry, rival: Rival | None, checks: Sequence[Check]) -> dict[str, Any]:
    """Return what the file says; what is not known is null.

    Losses are nats per token, scores bits per byte, standard deviations those of a sample.
    """
    environment = entry.final(entry.frozen.seed).environment
    return {
        "author": entry.signature.author,
        "github_id": entry.signature.github_id,
        "name": entry.signature.name,
        "date": today(),
        "track": track_of(checks),
        "complete": is_complete(checks),
        "blurb": entry.row.change or entry.row.name,
        **_scores(entry),
        **_sizes(entry),
        **_comparison(entry, rival),
        "hardware": " and ".join(f"{number}x {name}" for name, number in hardware(entry)),
        "pytorch_version": environment.get("torch"),
        "golf_version": environment.get("golf"),
        "commit": environment.get("commit"),
        "matrix": entry.plan.rows.matrix.name,
        "row": entry.row.name,
        "compliance": {c.name: FOUND[c.status] for c in checks},
        "checks": [
            {"name": c.name, "rule": c.rule, "status": str(c.status), "evidence": c.evidence}
            for c in checks
        ],
    }


def _scores(entry: Entry) -> dict[str, Any]:
    results = {seed: _seed(entry, seed) for seed in entry.cells}
    over = {
        n: spread([r[n] for r in results.values()])
        for n in next(iter(results.values()))
        if n != "artifact_sha256"
    }
    return {
        "score": {"ttt_bpb": "post-TTT", "post_bpb": "post-quant"}[entry.score],
        "val_bpb": over["val_bpb"].mean,
        "val_bpb_std": over["val_bpb"].std,
        "val_loss": over["val_loss"].mean,
        "val_loss_std": over["val_loss"].std,
        "pre_quant_val_bpb": over["pre_quant_val_bpb"].mean,
        "post_quant_val_bpb": over["post_quant_val_bpb"].mean,
        "seeds": list(results),
        "n_seeds": len(results),
        "seed_results": {str(seed): result for seed, result in results.items()},
        **_means(over),
    }


def _means(over: Mapping[str, Spread]) -> dict[str, float | None]:
    names = {
        "train_steps": "steps",
        "step_avg_ms": "step_avg_ms",
        "train_time_s": "train_time_s",
        "eval_time_s": "eval_time_s",
    }
    return {f"{name}_mean": over[measure].mean for name, measure in names.items()}


def _seed(entry: Entry, seed: int) -> dict[str, Any]:
    line, final = entry.lines[seed], entry.final(seed)
    return {
        "val_bpb": final.measures["bpb"],
        "val_loss": final.measures["loss_nats"],
        "pre_quant_val_bpb": line["pre_bpb"],
        "post_quant_val_bpb": line["post_bpb"],
        "artifact_bytes": int(line["artifact_bytes"]),
        "model_bytes": int(line["model_bytes"]),
        "artifact_sha256": entry.result(entry.cells[seed].quantize).output_sha256,
        "steps": int(line["steps"]),
        "step_avg_ms": line["step_ms"],
        "train_time_s": line["train_s"],
        "eval_time_s": seconds_of(final),
    }


def _sizes(entry: Entry) -> dict[str, Any]:
    sizes = [int(line["artifact_bytes"]) for line in entry.lines.values()]
    return {
        "bytes_total": max(sizes),
        "bytes_code": len(entry.script),
        "artifact_bytes_mean": sum(sizes) / len(sizes),
        "artifact_bytes_max": max(sizes),
        "bytes_per_token": entry.bytes_per_token,
    }


def _comparison(entry: Entry, rival: Rival | None) -> dict[str, Any]:
    """Return what the row is held against; t and p are of "the gain is at most 0.005 nats"."""
    if rival is None:
        names = (
            "comparison_baseline",
            "comparison_baseline_bpb",
            "delta_vs_baseline_bpb",
            "delta_vs_baseline_nats",
            "test",
            "t_statistic",
            "df",
            "p_value",
        )
        return dict.fromkeys(names)
    delta, test = rival.delta, rival.test
    return {
        "comparison_baseline": rival.name,
        "comparison_baseline_bpb": rival.bpb,
        "delta_vs_baseline_bpb": delta.mean,
        "delta_vs_baseline_nats": bpb_to_nats(delta.mean, entry.bytes_per_token),
        "test": delta.test,
        "t_statistic": test.t,
        "df": delta.df,
        "p_value": test.p,
    }
