"""From what an index says of an optimizer, in words, to golf's settings."""

from __future__ import annotations

import re
from typing import Any

NUMBER = r"([0-9]*\.?[0-9]+(?:e-?[0-9]+)?)"
RATE = re.compile(rf"\b(?:lr|adam\w*)\s*=?\s*{NUMBER}")
DECAY = re.compile(rf"(?:\bwd|decay)\s*=?\s*{NUMBER}")
RATES = {"matrix": "matrix_lr", "embed": "embed_lr", "head": "head_lr", "scalar": "scalar_lr"}
DECAYS = {"matrix": "muon_wd", "embed": "embed_wd", "scalar": "scalar_wd", "text": "muon_wd"}
# what a text without sections says of every group
NAMED = {
    "head_lr": r"\bunembedding", "embed_lr": r"\bembedding", "matrix_lr": r"\bmatrix",
    "scalar_lr": r"\bscalar",
}  # fmt: skip
SHARED = {
    "muon_momentum": r"momentum(?: constant)?", "adam_eps": r"\beps",
    "grad_clip": r"\bclip(?: norm)?", "muon_ns_steps": r"\bns",
}  # fmt: skip
FORMS = {
    r"row[- ]?norm": ("muon_row_norm", True),
    r"\bclassic": ("muon_ns", "classic"),
    r"\bpolar": ("muon_ns", "polar"),
}


def rates_of(optimizer: Any, autoresearch: bool) -> dict[str, Any]:
    """Return the settings that an index's ``optimizer`` names.

    Args:
        optimizer: a text, or one text for each of ``matrix``, ``embed``, ``head``, ``scalar``.
        autoresearch: whether the program is that: its Polar Express enlarges norms, and its
            factors on the stream learn at a hundredth of the scalars' rate.
    """
    sections = optimizer if isinstance(optimizer, dict) else {"text": optimizer}
    sections = {n: s.lower() for n, s in sections.items() if isinstance(s, str)}
    found = {**_of_groups(sections), **_of_all("; ".join(sections.values()))}
    if autoresearch:
        found.pop("muon_ns", None)
    if autoresearch and "scalar_lr" in found:
        found["resid_lr"] = found["scalar_lr"] / 100
    return found


def _of_groups(sections: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for knobs, said in ((RATES, RATE), (DECAYS, DECAY)):
        heard = {knobs[n]: said.search(text) for n, text in sections.items() if n in knobs}
        found |= {knob: float(number[1]) for knob, number in heard.items() if number}
    return found


def _of_all(text: str) -> dict[str, Any]:
    heard = {n: re.search(rf"{w}\s*=?\s*{NUMBER}", text) for n, w in {**NAMED, **SHARED}.items()}
    found: dict[str, Any] = {n: float(number[1]) for n, number in heard.items() if number}
    if "muon_ns_steps" in found:
        found["muon_ns_steps"] = int(found["muon_ns_steps"])
    if betas := re.search(rf"\(\s*{NUMBER}\s*,\s*{NUMBER}\s*\)", text):
        found |= {"adam_beta1": float(betas[1]), "adam_beta2": float(betas[2])}
    return found | dict(setting for form, setting in FORMS.items() if re.search(form, text))
