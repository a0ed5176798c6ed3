"""The parameter-golf challenge's rule for a record.

A record beats the best one before it by at least 0.005 nats per token at p < 0.01 over runs
(openai/parameter-golf, README). The null hypothesis is "the gain is at most 0.005", not "there
is no gain". A gap in nats is worth more bits per byte the shorter the tokens are, so the rule
needs the tokenizer's own bytes per token.
"""

from __future__ import annotations

import math

from golf.frozen import Frozen
from golf.statistics.delta import Delta

GAIN_NATS = 0.005
ALPHA = 0.01


def nats_to_bpb(nats: float, bytes_per_token: float) -> float:
    """Return nats per token as bits per byte."""
    return nats / (math.log(2) * bytes_per_token)


def bpb_to_nats(bpb: float, bytes_per_token: float) -> float:
    """Return bits per byte as nats per token."""
    return bpb * math.log(2) * bytes_per_token


class RecordTest(Frozen):
    """Whether a candidate would be a record.

    Attributes:
        gain_nats: observed gain, nats per token.
        margin_bpb: the required gain as bits per byte.
        t, p: of "the gain is at most the margin"; None with one run.
    """

    gain_nats: float
    margin_bpb: float
    t: float | None
    p: float | None

    @property
    def passed(self) -> bool:
        return self.p is not None and self.p < ALPHA


def record_test(delta: Delta, bytes_per_token: float) -> RecordTest:
    """Test a delta in bits per byte against the rule."""
    margin = nats_to_bpb(GAIN_NATS, bytes_per_token)
    gain = bpb_to_nats(-delta.mean, bytes_per_token)
    return RecordTest(gain, margin, delta.t(margin), delta.p_gain(margin))
