"""The grammar of single lines: steps, scores, sizes, settings."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator

from golf.frozen import Frozen
from golf.logs.meaning import Kind, kind_of

NUMBER = r"[-+]?(?:\d+(?:\.\d+)?(?:e[-+]?\d+)?|nan\b|inf(?:inity)?\b)"
COUNT = r"\d{1,3}(?:,\d{3}){1,4}|\d{1,15}"
AMOUNT = r"\d{1,15}(?:\.\d+)?"
# What may not follow a number of bytes: more digits, or a unit that makes it a rounded one.
WHOLE_BYTES = r"(?!\d|[.,]\d|\s*(?:[KMGT]i?B?\b|mega|kilo|giga|million))"
IN_BYTES = r"(?![KMG]i?B\b)"
STEP = re.compile(
    rf"\s*(?:[\[(]?(?:iter(?:ation)?s?|steps?)[: =\[(]*|(?=\d+\s*/))({COUNT})"
    rf"(?:\s*/\s*({COUNT}))?(?!\d|,\d|\s*/)[\s:|,()\]]",
    re.I,
)
VALIDATION = r"\be?val(?:idation|uation)?"
BPB = re.compile(
    rf"(?:{VALIDATION}[_ /.]?|(?<![a-z_]))bpb\"?\s*[:=]?\s*({NUMBER})(?![\d.]*[%x])", re.I
)
VAL_BPB = re.compile(rf"{VALIDATION}[_ /.]?bpb\"?\s*[:=]?\s*({NUMBER})", re.I)
VAL_LOSS = re.compile(rf"{VALIDATION}[\W_]{{0,3}}loss\"?\s*[:=]?\s*({NUMBER})", re.I)
LOSS = re.compile(rf"\b(?:train[_ ]?)?loss\"?\s*[:=]?\s*({NUMBER})", re.I)
TRAIN_LOSS = re.compile(
    rf"(?:\btrain(?:ing)?[_ /.]?|(?<![a-z_] )(?<![a-z_/.]))loss\"?\s*[:=]?\s*({NUMBER})", re.I
)
TRAIN_TIME = re.compile(r"\btrain(?:ing)?_time\s*[:=]")
TIME = re.compile(rf"\b(?:train(?:ing)?_time|t)\s*[:=]\s*({AMOUNT})\s*(ms|s)\b")
PEAK = re.compile(
    r"peak[ _](?:gpu[ _])?mem\w*?(?:[ _](?:allocated|usage|used))?"
    rf"(?:_mi?b\s*[:=]\s*({AMOUNT})\b|\s*[:=]\s*({AMOUNT})\s*Mi?B\b)",
    re.I,
)
STOP = re.compile(r"(?:stopping[_ ]early|early[_ ]stop\w*)\s*[:=]\s*(\w+)")
STOPPED_AT = re.compile(r"\bstep\s*:\s*(\d{1,15})\s*/\s*(\d{1,15})\b")
# An object printed whole, ``Namespace(seed=11``, is no value: the settings stand in it.
NO_OBJECT = r"(?![\w.]*[({]['\"]?[A-Za-z_]\w*['\"]?\s?[:=])"
SETTING = re.compile(
    r"(?<![\w.])([A-Za-z_]\w*)['\"]?\s?[:=]\s?"
    rf"{NO_OBJECT}(\d{{1,3}}(?:,\d{{3}})+\b|[^\s,;]+)"
)
DUMPED = re.compile(rf"\s{{1,8}}([a-z_]\w*)\s*[:=]\s{NO_OBJECT}(.*)$")
PARAMETER_COUNT = re.compile(rf"\b(?:number of|total) param(?:eter)?s\s*[:=]\s*({COUNT})\s*$", re.I)
MODEL_SIZE = re.compile(r"serialized[_ ]model([^:]*?)\s*:\s*([\d,]{1,20})\s*bytes", re.I)
ARTIFACT_SIZE = re.compile(
    r"\b((?:total[_ ])?artifact[_ ](?:size|bytes)|bytes[_ ]total|submission[_ ]bytes)"
    rf"\s*[:=]\s*(\d[\d,]{{4,20}}){WHOLE_BYTES}",
    re.I,
)
TOTAL_SIZE = re.compile(
    rf"total submission size((?:{IN_BYTES}[^:])*?)\s*:\s*(\d[\d,]{{3,20}}){WHOLE_BYTES}", re.I
)
CODE_SIZE = re.compile(
    rf"\bcode[_ ](?:size|bytes)((?:{IN_BYTES}[^:=])*?)\s*[:=]\s*(\d[\d,]{{0,20}}){WHOLE_BYTES}",
    re.I,
)
BUDGET = re.compile(r"\s*budget\s*:\s*(\d[\d,]{4,20})\s*/\s*[\d,]+")
CODE_PART = re.compile(r"\bcode\s*:\s*(\d{1,15})\b")
SLIDING_MODE = re.compile(r"eval_mode\s*[:=]\s*sliding|^\s*sliding_(?:window_)?eval\b")
PROGRESS = re.compile(
    r"running_bpb|\[\s*[\d.]+\s*%\s*\]|chunk\s*\[?\s*\d+/\d+|^\s*\w+: b\d+/\d+|\d%\|"
    r"|\b(?:epoch|batch|doc|phase|pass|ttt[ _:]*(?:step|iter))\w*[\s:=\[]*\d+\s*/\s*\d+",
    re.I,
)
# Words behind a score that are still about it.
STILL = re.compile(r"[^|]*\||\s*\([^()]*\)|\s*stride\W{0,3}\d+")
BECOMES = re.compile(r"\s*(?:->|=>|→|to\b)")
NEW_RUN = re.compile(
    r"\s*(?:Hyperparameters:|-+ ?Hyperparameters|Running Python|Running PyTorch"
    r"|(?:seed|model_params|num_params|n_params)\s*[:=]\s*\d+\s*$)"
)


class Step(Frozen):
    """A line about one step of the training; ``of`` is 0 where the line does not say.

    Attributes:
        val_bpb: as printed, also ``nan``; "" where the line has none.
    """

    step: int
    of: int
    val_bpb: str = ""
    val_loss: float | None = None
    train_loss: float | None = None
    train_time_ms: float | None = None

    @property
    def bpb(self) -> float | None:
        return bits_per_byte(self.val_bpb)

    @property
    def validates(self) -> bool:
        return bool(self.val_bpb or self.val_loss is not None)


def parse_step(line: str) -> Step | None:
    """Return a line such as ``step:100/20000 val_loss:2.1 val_bpb:1.2 train_time:8024ms``."""
    found = STEP.match(line)
    if not found:
        return None
    rest = line[found.end() - 1 :]
    bpb, loss, train = VAL_BPB.search(rest), VAL_LOSS.search(rest), TRAIN_LOSS.search(rest)
    if not (bpb or loss or LOSS.search(rest) or TRAIN_TIME.search(rest)):
        return None
    words = rest[: min((m.start() for m in (bpb, loss) if m), default=0)]
    if kind_of(words, sliding_mode=False) in (Kind.POST, Kind.SLIDING, Kind.TTT):
        return None
    return Step(
        step=whole(found[1]),
        of=whole(found[2] or "0"),
        val_bpb=bpb[1] if bpb else "",
        val_loss=finite(loss[1]) if loss else None,
        train_loss=finite(train[1]) if train and not loss else None,
        train_time_ms=parse_time(rest),
    )


def parse_time(text: str) -> float | None:
    """Return milliseconds of training; minutes are rounded too far to be worth having."""
    found = TIME.search(text)
    if not found:
        return None
    return float(found[1]) * (1 if found[2] == "ms" else 1000)


class Told(Frozen):
    """A score as a line tells it.

    Attributes:
        label: the words before the numbers.
        about: all words up to those of the line's next score.
        bpb: bits per byte as printed.
        loss: nats per token beside it.
    """

    label: str
    about: str
    bpb: str
    loss: float | None


def parse_scores(line: str) -> Iterator[Told]:
    """Yield the scores of a line with results, each under the words that stand before it."""
    found = list(BPB.finditer(line))
    if not found or PROGRESS.search(line):
        return
    starts = [0, *(_next_words(line, a, b) for a, b in itertools.pairwise(found)), len(line)]
    for bpb, (start, end) in zip(found, itertools.pairwise(starts), strict=True):
        loss = VAL_LOSS.search(line, start, len(line) if end == len(line) else bpb.end())
        label = line[start : min(m.start() for m in (bpb, loss) if m)]
        if bits_per_byte(bpb[1]) and not BECOMES.match(line, bpb.end()):
            yield Told(
                label=re.split(rf"[\s|,:]*\bloss\W+{NUMBER}", label, flags=re.I)[0].strip(
                    " \t:=-|>*"
                ),
                about=line[start:end],
                bpb=bpb[1],
                loss=finite(loss[1]) if loss else None,
            )


def _next_words(line: str, score: re.Match[str], following: re.Match[str]) -> int:
    """Return where the words between two scores begin to speak of the second."""
    still = STILL.match(line, score.end(), following.start())
    return still.end() if still else score.end()


def parse_settings(line: str) -> dict[str, str]:
    """Return the settings of a header line, ``name:value``, ``name=value`` or a dumped one."""
    dumped = DUMPED.match(line)
    if dumped and len(SETTING.findall(line)) <= 1:
        return {dumped[1]: dumped[2].strip()}
    return {name: value for name, value in SETTING.findall(line) if value}


def finite(text: str) -> float | None:
    """Return a number; None for one that is not finite."""
    value = float(text)
    return value if math.isfinite(value) else None


def bits_per_byte(text: str) -> float | None:
    """Return a score; None for a whole number, which is none, and for one that nothing can have."""
    value = finite(text) if "." in text else None
    return value if value and value > 0 else None


def whole(text: str) -> int:
    """Return a number with or without commas."""
    return int(text.replace(",", ""))
