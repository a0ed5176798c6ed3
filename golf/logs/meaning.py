"""What a score in a log is, told from its label and from what was going on around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

from golf.frozen import Frozen


class Kind(StrEnum):
    """The numbers that a report knows."""

    PRE = "pre_quant"
    POST = "post_quant"
    SLIDING = "sliding"
    TTT = "post_ttt"
    OTHER = "other"


# Things that score with more than the model; not one of the four numbers.
EXTRAS = re.compile(r"etlb|ngram|n-gram|slot|cache|knn|hedge|mixer|ensemble|oracle")
# Differences, other runs' numbers, and sums over runs.
NOT_ITS_OWN = re.compile(
    r"(?<![a-z])(?:gap|gains?|deltas?(?![-_ ]?net)|diff(?:erence)?(?![-_ ]?att)|improv\w*"
    r"|penalt\w*|degrad\w*|regress\w*|cost|prev(?:ious)?|prior|sota|leaderboard|baseline|reference|target"
    r"|expected|best|min(?:imum)?|max(?:imum)?|mean|average|std|vs|loss$)(?![a-z])"
)
NOT_ROUNDED = re.compile(r"quant\w*[-_ ]?aware|fake[-_ ]?quant|simulated")
BEFORE_QUANT = re.compile(r"(?<![a-z])(?:pre|before|without|no|un)[-_ ]?quant\w*")
PRE = re.compile(rf"{BEFORE_QUANT.pattern}|post[-_ ]?(?:ema|swa)|(?:ema|swa)[-_ ]eval|final_raw")
POST = re.compile(r"round[-_ ]?trip|quant|(?<![a-z])int\d|ternary|binary|fp8|nf4")
TTT = re.compile(r"(?<![a-z])ttt|test[-_ ]time")
WITHOUT = re.compile(
    r"(?<![a-z])(?:pre|before|no|non|without)[-_ ]?(?:ttt|sliding)(?:[-_ ]window)?"
    r"|ttt[-_:= ]*(?:before|start|init\w*|off|skipped|disabled|false|none)"
)
SLIDING = re.compile(r"sliding|stride")
AVERAGED = re.compile(r"post[-_ ]?(?:ema|swa)|(?:ema|swa)[-_ ]eval")


class Score(Frozen):
    """A score as printed.

    Attributes:
        decimals: digits after the point.
        loss: nats per token beside it; None when not printed.
    """

    label: str
    kind: Kind
    bpb: float
    decimals: int
    loss: float | None = None


def kind_of(label: str, sliding_mode: bool) -> Kind:
    """Return what a labelled score is.

    Args:
        label: the words before the numbers.
        sliding_mode: whether the script said that it now evaluates with a sliding window; then
            even a "roundtrip" is a sliding number.
    """
    text = WITHOUT.sub("", label.lower())
    pre, sliding, ttt = (bool(p.search(text)) for p in (PRE, SLIDING, TTT))
    foreign = any(p.search(text) for p in (EXTRAS, NOT_ITS_OWN, NOT_ROUNDED))
    if foreign or (pre and (sliding or ttt)):
        return Kind.OTHER
    if pre and (BEFORE_QUANT.search(text) or not POST.search(text)):
        return Kind.PRE
    if ttt:
        return Kind.TTT
    if sliding:
        return Kind.SLIDING
    if POST.search(text):
        return Kind.SLIDING if sliding_mode else Kind.POST
    return Kind.OTHER


def pick(scores: Sequence[Score], kind: Kind) -> Score | None:
    """Return the score of a kind with the most decimals, the last of several."""
    found = [s for s in scores if s.kind is kind]
    return max(reversed(found), key=lambda s: s.decimals, default=None)


def split_aliases(scores: Sequence[Score]) -> tuple[list[Score], list[str]]:
    """Return the scores without roundtrip labels that repeat a sliding number, and those labels.

    Later scripts print the sliding number once more under the old label.
    """
    kept: list[Score] = []
    aliases = []
    for score in scores:
        sliding = [s.bpb for s in kept if s.kind is Kind.SLIDING]
        if score.kind is Kind.POST and score.bpb in sliding:
            aliases.append(score.label)
        else:
            kept.append(score)
    return kept, aliases
