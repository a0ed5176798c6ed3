"""How often a scoring node runs its model over a target, told from its settings alone.

A pass forward counts a third of a training pass. Only ratios matter: the rate comes from
finished nodes, and a constant that is off here is made good by nodes of the same kind.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

Spec = Mapping[str, Any]

LEARN = 3.0  # a pass forward and one back, in passes forward


def kind(spec: Spec) -> tuple[object, ...]:
    """Return what nodes of one stage share if their rates are alike."""
    return tuple(spec.get(n) for n in ("quant.method", "quant.compressor", "ttt.method"))


def passes(spec: Spec, training: Spec) -> float:
    """Return the passes forward for each target of an evaluation or of test-time training."""
    length = spec.get("eval.seq_len") or training["train.seq_len"]
    if spec.get("ttt.method") == "lora":  # a whole window is learned for each chunk of targets
        return float(LEARN * (length / spec["ttt.lora_chunk"] + _pauses(spec)))
    stride = spec["eval.geometry"].lstrip(string.ascii_lowercase)
    once = length / int(stride) if stride else 1.0
    if spec.get("ttt.method") == "sgd":
        return float(once + LEARN * spec["ttt.epochs"] / spec["ttt.update_every"])
    return once


def _pauses(spec: Spec) -> float:
    """Return how often a target is learned in pauses, which by default span half of the text."""
    phases, epochs = spec.get("ttt.phases", 0), spec.get("ttt.phase_epochs", 0)
    return float(epochs * (phases + 1) / 4) if phases else 0.0
