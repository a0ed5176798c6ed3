"""What is known of the published validation split: how many bytes its targets stand for.

All published tokenizations are of the same 50,000 documents; their totals differ only by the
tail that truncation to whole sequences of 2048 drops.
"""

from __future__ import annotations

from golf.errors import fail

# targets at sequences of 2048: bytes. Derived from the logs of parameter-golf's records.
TOTALS = {
    62_021_632: 151_079_963,  # sp1024
    45_508_608: 151_074_053,  # sp4096
    40_540_160: 151_078_222,  # sp8192
    40_546_304: 151_074_635,  # sp8192, another export
    47_851_520: 151_074_498,  # sp8192 with CaseOps, by its byte sidecar
}


def check_total(targets: int, counted: int, where: str) -> None:
    """Refuse a count that differs from the published one; unknown splits pass.

    Raises:
        GolfError: the targets are those of a published split, and the bytes are not.
    """
    known = TOTALS.get(targets, counted)
    if known != counted:
        what = f"{targets:,} targets are a published split of {known:,} bytes, counted {counted:,}"
        hint = "the tokenizer model or the byte sidecar is not the one of these shards"
        raise fail(what, hint, where)
