"""Sets of layers as users write them: ``all``, ``alternate``, ``last:4``, ``0,3,7``."""

from __future__ import annotations

import re


def layer_set(text: str, depth: int) -> frozenset[int]:
    """Return the layers that ``text`` names in a model of ``depth`` layers.

    ``alternate`` counts back from the last layer. Layers beyond the depth are left out of
    ``last:N``; a list names each layer itself.

    Raises:
        ValueError: the text is not such a set, or lists a layer that is not there.
    """
    if text in ("none", "all"):
        return frozenset(range(depth if text == "all" else 0))
    if text == "alternate":
        return frozenset(range((depth - 1) % 2, depth, 2))
    if last := re.fullmatch(r"last:([0-9]+)", text):
        return frozenset(range(max(0, depth - int(last[1])), depth))
    if not re.fullmatch(r"[0-9]+(,[0-9]+)*", text):
        raise ValueError(f"{text!r} names no layers; write none, all, alternate, last:4 or 0,3,7")
    layers = frozenset(map(int, text.split(",")))
    if max(layers) >= depth:
        raise ValueError(f"there is no layer {max(layers)} among {depth}, counted from 0")
    return layers


def format_layers(layers: frozenset[int], depth: int) -> str:
    """Return the one spelling under which a set of layers enters node keys."""
    if len(layers) in (0, depth):
        return "all" if layers else "none"
    return ",".join(map(str, sorted(layers)))
