"""The grammar of single lines: steps, scores, sizes, settings."""

from __future__ import annotations

import re

from golf.frozen import Frozen

NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
STEP = re.compile(
    r"\s*(?:(?:iter(?:ation)?s?|steps?)?[: =]*(\d+)\s*/\s*(\d+)|steps?[: =]+(\d+)(?!\s*/))[\s:|,(]"
)
BPB = re.compile(rf"(?:val[_ ])?\bbpb\b\"?\s*[:=]?\s*({NUMBER})(?![\d.]*[%x])", re.I)
VAL_BPB = re.compile(rf"\bval(?:idation)?[_ ]?bpb\"?\s*[:=]?\s*({NUMBER})", re.I)
VAL_LOSS = re.compile(rf"\bval(?:idation)?[_ ]?loss\"?\s*[:=]?\s*({NUMBER})", re.I)
TRAIN_LOSS = re.compile(rf"(?<!val_)\b(?:train[_ ]?)?loss\"?\s*[:=]?\s*({NUMBER})", re.I)
TIME = re.compile(r"\b(?:train(?:ing)?_time|t)\s*[:=]\s*(\d+(?:\.\d+)?)\s*(ms|s)\b")
PEAK = re.compile(r"peak[ _]mem\w*(?:[ _]allocated)?\s*[:=]\s*(\d+)\s*(MiB|MB)?", re.I)
STOP = re.compile(r"(?:stopping[_ ]early|early[_ ]stop\w*)\s*[:=]\s*(\w+)")
SETTING = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s?[:=]\s?(\d{1,3}(?:,\d{3})+\b|[^\s,;]+)")
DUMPED = re.compile(r"\s{1,8}([a-z_]\w*)\s*[:=]\s(.*)$")
MODEL_SIZE = re.compile(r"serialized[_ ]model([^:]*?)\s*:\s*([\d,]+)\s*bytes", re.I)
ARTIFACT_SIZE = re.compile(
    r"\b((?:total[_ ])?artifact[_ ](?:size|bytes)|bytes[_ ]total|submission[_ ]bytes)"
    r"\s*[:=]\s*(\d[\d,]{4,})(?![\d.]|\s*[KMG])",
    re.I,
)
TOTAL_SIZE = re.compile(r"total submission size([^:]*?)\s*:\s*([\d,]+)(?:\s*bytes)?", re.I)
CODE_SIZE = re.compile(
    r"\bcode[_ ](?:size|bytes)([^:=]*?)\s*[:=]\s*([\d,]+)(?![\d.]|\s*[KMG])", re.I
)
BUDGET = re.compile(r"budget\s*:\s*([\d,]+)\s*/\s*[\d,]+")
CODE_PART = re.compile(r"\bcode\s*:\s*(\d+)\b")
SLIDING_MODE = re.compile(r"eval_mode\s*[:=]\s*sliding|^\s*sliding_(?:window_)?eval\b")
PROGRESS = re.compile(r"running_bpb|\[\s*[\d.]+\s*%\s*\]|chunk\s*\[?\s*\d+/\d+|^\s*\w+: b\d+/\d+")
NEW_RUN = re.compile(
    r"\s*(?:Hyperparameters:|-+ ?Hyperparameters|Running Python|Running PyTorch"
    r"|(?:seed|model_params|num_params|n_params)\s*[:=]\s*\d+\s*$)"
)


class Step(Frozen):
    """A line about one step of the training; ``of`` is 0 where the line does not say."""

    step: int
    of: int
    val_bpb: str = ""
    val_loss: float | None = None
    train_loss: float | None = None
    train_time_ms: float | None = None


def parse_step(line: str) -> Step | None:
    """Return a line such as ``step:100/20000 val_loss:2.1 val_bpb:1.2 train_time:8024ms``."""
    found = STEP.match(line)
    if not found:
        return None
    rest = line[found.end() - 1 :]
    bpb, loss, train = VAL_BPB.search(rest), VAL_LOSS.search(rest), TRAIN_LOSS.search(rest)
    if not (bpb or loss or train):
        return None
    return Step(
        step=int(found[1] or found[3]),
        of=int(found[2] or 0),
        val_bpb=bpb[1] if bpb else "",
        val_loss=float(loss[1]) if loss else None,
        train_loss=float(train[1]) if train and not loss else None,
        train_time_ms=parse_time(rest),
    )


def parse_time(text: str) -> float | None:
    """Return milliseconds of training; minutes are rounded too far to be worth having."""
    found = TIME.search(text)
    if not found:
        return None
    return float(found[1]) * (1 if found[2] == "ms" else 1000)


def parse_score(line: str) -> tuple[str, str, float | None] | None:
    """Return label, bits per byte as printed, and nats per token of a line with a result."""
    if PROGRESS.search(line):
        return None
    bpb, loss = VAL_BPB.search(line), VAL_LOSS.search(line)
    bpb = bpb or BPB.search(line)
    if not bpb or "." not in bpb[1]:
        return None
    label = line[: min(m.start() for m in (bpb, loss) if m)]
    return label.strip(" \t:=-|>*"), bpb[1], float(loss[1]) if loss else None


def parse_settings(line: str) -> dict[str, str]:
    """Return the settings of a header line, ``name:value``, ``name=value`` or a dumped one."""
    dumped = DUMPED.match(line)
    if dumped and len(SETTING.findall(line)) <= 1:
        return {dumped[1]: dumped[2].strip()}
    return {name: value for name, value in SETTING.findall(line) if value}


def whole(text: str) -> int:
    """Return a number with or without commas."""
    return int(text.replace(",", ""))
