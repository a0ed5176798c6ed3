"""Student's t distribution.

It comes from ``scipy.special``, because importing ``scipy.stats`` takes a second; and at the first
call, because planning starts without either.
"""

from __future__ import annotations

from functools import cache


def tail(t: float, df: float) -> float:
    """Return the chance of a value above ``t`` with ``df`` degrees of freedom."""
    from scipy.special import stdtr

    return float(stdtr(df, -t))


@cache
def quantile(p: float, df: float) -> float:
    """Return the value that is not exceeded with probability ``p``."""
    from scipy.special import stdtrit

    return float(stdtrit(df, p))
