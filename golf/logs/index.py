"""A run of a log as one flat entry, for programs: what ``golf import --json`` prints."""

from __future__ import annotations

from typing import Any

from golf.logs.meaning import AVERAGED, Kind, Score, split_aliases
from golf.logs.run import PARAMETERS, Run
from golf.records import ARTIFACT_LIMIT


def as_entry(run: Run) -> dict[str, Any]:
    """Return a run under the names that the field's own index of logs uses; null is not in it."""
    kinds = (Kind.PRE, Kind.POST, Kind.SLIDING, Kind.TTT)
    scores = {kind: s for kind in kinds if (s := run.score(kind))}
    last, artifact = run.last_validation, run.artifact
    labels = {str(k): _label(s) for k, s in scores.items() if k is not Kind.PRE}
    labels |= {str(k): _label(s) for k, s in scores.items() if k is Kind.PRE}
    labels |= {"artifact": artifact[0]} if artifact else {}
    entry: dict[str, Any] = {
        "source": run.source,
        "n_runs": run.siblings,
        "source_lines_removed": run.removed,
        "seed": run.seed,
        "steps": run.last_step,
        **{f"{kind}_bpb": scores[kind].bpb if kind in scores else None for kind in kinds},
        "artifact_bytes": artifact[1] if artifact else None,
        "model_bytes": run.model_bytes,
        "code_bytes": run.code_bytes,
        "train_time_ms": _rounded(run.train_time_ms),
        "peak_alloc_mib": run.peak_mib,
        "model_params": run.number(*PARAMETERS),
        "stop_reason": run.stop_reason,
        "iterations_cap": run.cap,
        "last_step_val_bpb": last.bpb if last else None,
        "last_step_val_loss": last.val_loss if last else None,
        "fits_16000000": artifact[1] <= ARTIFACT_LIMIT if artifact else None,
        "decimals": {str(k): s.decimals for k, s in scores.items()},
        "labels": labels,
        "final_metric": str(list(scores)[-1]) if scores else None,
    }
    return entry | _extras(run)


def _extras(run: Run) -> dict[str, Any]:
    aliases = split_aliases(run.scores)[1]
    found: dict[str, Any] = {"alias_labels_repeating_sliding": aliases} if aliases else {}
    if "uncompressed" in run.code:
        found["code_bytes_uncompressed"] = run.code["uncompressed"]
    return found


def _label(score: Score) -> str:
    return "post_ema_eval" if AVERAGED.search(score.label.lower()) else score.label


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)
