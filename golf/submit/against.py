"""What a row has to beat: the row that it is compared with, or published numbers."""

from __future__ import annotations

import math
import re

from golf.errors import fail
from golf.frozen import Frozen
from golf.report.record import record_of
from golf.statistics.challenge import RecordTest, record_test
from golf.statistics.delta import Delta, Sample, one_sample, rounding_variance, sample, welch_of
from golf.submit.entry import Entry

SCORE = r"(\d+(?:\.\d+)?)"
GIVEN = re.compile(rf"{SCORE}(?:,{SCORE}/(\d+))?")


class Rival(Frozen):
    """What was beaten, or not.

    Attributes:
        name: what it is, in words.
        bpb: its mean.
        delta: row - rival; ``one-sample`` where the rival is a number without a spread.
        published: it is a number that was given, not a row.
    """

    name: str
    bpb: float
    delta: Delta
    test: RecordTest
    published: bool = False


def parse_given(text: str) -> Sample:
    """Return the published score of ``1.0810`` or of ``1.0810,0.0005/3``: mean, std, runs.

    Raises:
        GolfError: something else stands there.
    """
    found = GIVEN.fullmatch(text.replace(" ", ""))
    mean, std, runs = (float(g or 0) for g in found.groups()) if found else (0.0, 0.0, 0.0)
    if not mean or (std and runs < 2):
        hint = "bits per byte, as 1.0810, or with its standard deviation over runs, 1.0810,0.0005/3"
        raise fail(f"--against {text!r} is no score", hint)
    return Sample(int(runs) or 1, mean, std**2)


def rival_of(entry: Entry, against: str) -> Rival | None:
    """Return what the row is held against; None where there is nothing.

    Args:
        entry: the row.
        against: text of ``--against``; "" for the row's own baseline.

    Raises:
        GolfError: ``against`` is no score.
    """
    if against:
        return _published(entry, parse_given(against))
    theirs = entry.analysis.values.get(entry.row.parent)
    found = record_of(entry.lines, theirs) if theirs else None
    if found is None:
        return None
    bpb = entry.analysis.of(entry.row.parent).mean(found.baseline_score)
    assert bpb is not None
    return Rival(f"row {entry.row.parent}", bpb, found.delta, found.test)


def _published(entry: Entry, given: Sample) -> Rival:
    if given.n > 1:
        mine = sample(entry.scores, rounding_variance(entry.scores))
        delta, words = welch_of(mine, given), f", std {math.sqrt(given.variance):g}, n {given.n}"
    else:
        delta, words = one_sample(entry.scores, given.mean), ""
    name = f"the published {given.mean:g}{words}"
    return Rival(name, given.mean, delta, record_test(delta, entry.bytes_per_token), True)
