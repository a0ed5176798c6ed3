"""Whether a row would be a record of the challenge, judged by its final score.

The final score is the one after test-time training where a row has it, else the one after
quantization. All seeds that ran enter, unpaired: records are held against published runs by Welch's
test.
"""

from __future__ import annotations

from collections.abc import Mapping

from golf.frozen import Frozen
from golf.report.study import Line
from golf.report.table import comparable
from golf.statistics.challenge import RecordTest, record_test
from golf.statistics.delta import Delta, welch

FINAL = ("ttt_bpb", "post_bpb")
Lines = Mapping[int, Line]  # by seed


class Record(Frozen):
    """A row held against another one by the rule.

    Attributes:
        score, baseline_score: the final scores that were compared, ``ttt_bpb`` or ``post_bpb``.
        bytes_per_token: of the row's own tokenizer.
    """

    score: str
    baseline_score: str
    bytes_per_token: float
    delta: Delta
    test: RecordTest


def final_score(lines: Lines) -> str:
    """Return the name of a row's final score; "" when it has none."""
    there = (s for s in FINAL if any(x.get(s) is not None for x in lines.values()))
    return next(there, "")


def bytes_per_token(lines: Lines) -> float | None:
    """Return the mean bytes of a scored token; None where the source does not say."""
    counts = ((x.get("scored_bytes"), x.get("scored_targets")) for x in lines.values())
    return next((b / t for b, t in counts if b and t), None)


def record_of(mine: Lines, theirs: Lines, per_token: float | None = None) -> Record | None:
    """Return what the rule says of a row; None without scores, or bytes per token.

    Args:
        mine: the row's lines.
        theirs: those of the row that it has to beat.
        per_token: bytes per token where the lines do not tell.
    """
    names, per_token = (final_score(mine), final_score(theirs)), bytes_per_token(mine) or per_token
    if not all(names) or per_token is None:
        return None
    candidate, baseline = comparable(mine, theirs, *names)
    if not candidate or not baseline:
        return None
    delta = welch(list(candidate.values()), list(baseline.values()))
    return Record(*names, per_token, delta, record_test(delta, per_token))
