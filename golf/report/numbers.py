"""``golf compare`` on bare numbers: which test, what it says, in words and as JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from golf.errors import fail
from golf.frozen import Frozen
from golf.report.tables.record import outcome, record_numbers, rule_facts
from golf.statistics.challenge import RecordTest, nats_to_bpb, record_test
from golf.statistics.delta import Delta, mean, one_sample, paired, variance, welch

UNITS = ("bpb", "nats")
LARGEST = 1e9  # of a score or margin; squares of squares stay finite
USABLE = f"finite, at most {LARGEST:g} either way"
DECIMAL_COMMA = re.compile(r"\d \d{2,}(?: \d \d{2,})*")  # of 1,06, in turns: 1 and 06
MOST_CONFIDENCE = 1 - 1e-9
FEWEST_BYTES, MOST_BYTES = 1e-3, 1e6  # of a token
NAMES = {
    "welch": "Welch's t-test, two independent samples",
    "paired": "paired t-test, value by value",
    "one-sample": "one-sample t-test against a fixed number",
    "none": "no test: one value on a side shows no spread",
}


class Question(Frozen):
    """What is asked of two lists of scores, lower is better.

    Attributes:
        fixed: the number to compare with, instead of a baseline.
        margin: the gain to exceed, in ``unit``.
        unit: ``bpb``, the unit of the scores, or ``nats`` per token.
    """

    candidate: Sequence[float]
    baseline: Sequence[float] = ()
    fixed: float | None = None
    paired: bool = False
    margin: float = 0.0
    unit: str = "bpb"
    bytes_per_token: float | None = None
    confidence: float = 0.95

    @property
    def margin_bpb(self) -> float:
        if self.unit == "bpb":
            return self.margin
        assert self.bytes_per_token is not None
        return nats_to_bpb(self.margin, self.bytes_per_token)


def parse_values(text: str, option: str) -> list[float]:
    """Return the numbers of ``1.06,1.07``.

    Raises:
        GolfError: something else stands there.
    """
    words = [w for w in text.replace(",", " ").split() if w]
    if DECIMAL_COMMA.fullmatch(" ".join(words)):
        hint = f"a decimal point, and commas between scores, for example {option} 1.06,1.07"
        raise fail(f"{option} wants decimal points, found {text!r}", hint)
    try:
        values = [float(w) for w in words]
    except ValueError:
        values = []
    if not values or not all(map(_is_usable, values)):
        hint = f"{USABLE}, for example {option} 1.06,1.07"
        raise fail(f"{option} wants numbers, found {text!r}", hint)
    return values


def _is_usable(value: float) -> bool:
    return abs(value) <= LARGEST


def check_unasked(question: Question) -> None:
    """Raise a ``GolfError`` for what only bare numbers are asked; bytes per token are of both."""
    plain = Question((), bytes_per_token=question.bytes_per_token)
    for name in (f.name for f in fields(Question)):
        if getattr(question, name) == getattr(plain, name):
            continue
        others = "--baseline or --fixed" if name == "candidate" else "--candidate"
        raise fail(f"--{name} goes with {others}, not with sides", "golf compare FILE:ROW FILE:ROW")


def check(question: Question) -> None:
    """Raise a ``GolfError`` for a question that has no answer."""
    if (question.fixed is None) == (not question.baseline):
        raise fail("compare with --baseline or with --fixed", "exactly one of them")
    if question.unit not in UNITS:
        raise fail(f"no unit {question.unit!r}", f"there are {', '.join(UNITS)}")
    if question.unit == "nats" and not question.bytes_per_token:
        hint = "--bytes-per-token: bytes of the validation text divided by its tokens"
        raise fail("a margin in nats needs the tokenizer's bytes per token", hint)
    check_bytes_per_token(question.bytes_per_token)
    if question.fixed is not None and not _is_usable(question.fixed):
        raise fail(f"--fixed wants a number, found {question.fixed:g}", USABLE)
    if question.margin < 0 or not _is_usable(question.margin):
        raise fail("--margin is a gain, 0 or more", USABLE)
    if not 0 < question.confidence <= MOST_CONFIDENCE:
        raise fail("--confidence lies between 0 and 1", "for example 0.95")
    if question.paired and len(question.candidate) != len(question.baseline):
        sizes = f"{len(question.candidate)} and {len(question.baseline)}"
        raise fail(f"--paired wants as many values on both sides, found {sizes}")


def check_bytes_per_token(given: float | None) -> None:
    """Raise a ``GolfError`` for bytes per token that no tokenizer has."""
    if given is not None and not FEWEST_BYTES <= given <= MOST_BYTES:
        what = f"--bytes-per-token lies between {FEWEST_BYTES:g} and {MOST_BYTES:g}"
        raise fail(what, "bytes of the validation text divided by its tokens")


def ask(question: Question) -> Delta:
    """Return the delta that answers the question."""
    if question.fixed is not None:
        return one_sample(question.candidate, question.fixed)
    test = paired if question.paired else welch
    return test(question.candidate, question.baseline)


def as_json(question: Question) -> dict[str, Any]:
    """Return every figure of the answer; what cannot be known is null.

    ``delta`` is candidate minus baseline and ``interval`` its confidence interval; ``gain`` is
    the negative. ``t`` and ``p_one_sided`` belong to "the gain is at most the margin".
    """
    delta, margin = ask(question), question.margin_bpb
    interval = delta.interval(question.confidence)
    return {
        "test": delta.test,
        "candidate": _side(question.candidate),
        "baseline": _side(question.baseline) if question.fixed is None else question.fixed,
        "delta": delta.mean,
        "gain": -delta.mean,
        "margin": question.margin,
        "unit": question.unit,
        "bytes_per_token": question.bytes_per_token,
        "margin_bpb": margin,
        "std_error": delta.std_error,
        "t": _finite(delta.t(margin)),
        "df": delta.df,
        "p_one_sided": delta.p_gain(margin),
        "p_two_sided": delta.p_two_sided(),
        "p_equivalent": delta.p_equivalent(margin) if margin else None,
        "confidence": question.confidence,
        "interval": list(interval) if interval else None,
        "record": _record(question),
    }


def _record(question: Question) -> dict[str, object] | None:
    """Return what the challenge's rule says; None without bytes per token."""
    per_token = question.bytes_per_token
    return rule_facts(_ruled(question, per_token), per_token) if per_token else None


def _ruled(question: Question, per_token: float) -> RecordTest:
    """Return the test of the challenge's rule, which pairs no values."""
    return record_test(ask(replace(question, paired=False)), per_token)


def _finite(value: float | None) -> float | None:
    return value if value is None or math.isfinite(value) else None


def _side(values: Sequence[float]) -> dict[str, Any]:
    std = math.sqrt(variance(values)) if len(values) > 1 else None
    return {"n": len(values), "mean": mean(values), "std": std}


def as_text(question: Question) -> str:
    """Return the answer for the terminal."""
    found = as_json(question)
    lines = [NAMES[found["test"]], "candidate  " + _told(found["candidate"])]
    fixed = question.fixed is not None
    lines.append(
        "baseline   " + (f"{question.fixed:g}, fixed" if fixed else _told(found["baseline"]))
    )
    lines.append(f"delta      {found['delta']:+.6g} (candidate - baseline; below 0 is better)")
    if question.bytes_per_token:
        test = _ruled(question, question.bytes_per_token)
        told = record_numbers(test, question.bytes_per_token)
        unpaired = " by Welch's test, not paired" if question.paired else ""
        lines.append(f"record     {outcome(test)}: {told}{unpaired}")
    if found["test"] == "none":
        return "\n".join(lines)
    (low, high), share = found["interval"], 100 * question.confidence
    lines.append(f"interval   {low:+.6g} to {high:+.6g} ({share:.10g}%)")
    null = "no gain"
    if question.margin:
        nats = f" = {question.margin:g} nats per token" if question.unit == "nats" else ""
        null = f"a gain of at most {found['margin_bpb']:.6g}{nats}"
    t = "infinite" if found["t"] is None else f"{round(found['t'], 4) + 0.0:.4f}"
    freedom = f"{found['df']:.4g}"
    lines.append(f"t          {t}, {freedom} degree{'s' * (freedom != '1')} of freedom")
    lines.append(f"p          {found['p_one_sided']:.4g} one-sided, of {null}")
    lines.append(f"           {found['p_two_sided']:.4g} two-sided, of no difference")
    if question.margin:
        lines.append(f"           {found['p_equivalent']:.4g} of a difference beyond the margin")
    return "\n".join(lines)


def _told(side: dict[str, Any]) -> str:
    spread = "" if side["std"] is None else f" ± {side['std']:.6g}"
    return f"{side['mean']:.6g}{spread} (n = {side['n']})"
