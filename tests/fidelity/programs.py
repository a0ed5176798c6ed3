"""Published programs: golf's preset of each, what they do by themselves, how they name it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from golf.errors import fail

Given = dict[str, Any]  # settings, under published names in lower case or under golf's


@dataclass(frozen=True)
class Program:
    """A published program.

    Attributes:
        preset: golf's.
        defaults: what it does where an entry says nothing, under its own names.
        own: settings of golf that belong to it.
    """

    preset: str
    defaults: Given = field(default_factory=dict)
    own: Given = field(default_factory=dict)


LATE = {"num_layers": 11, "xsa_last_n": 11}
TWO_LANES = {**LATE, "parallel_start_layer": 8, "attn_out_gate_enabled": 0, "smear_gate_enabled": 0}
WIDER = {**TWO_LANES, "attn_out_gate_enabled": 1, "smear_gate_enabled": 1}
NORMED = {"gate_src": "normed"}
PROGRAMS = {
    "naive": Program("naive"),
    "autoresearch": Program(  # the defaults of its optimizer, not the script's settings
        "autoresearch", own={"embed_lr": 0.2, "matrix_lr": 0.02, "muon_wd": 0.1}
    ),
    "1125": Program("pr1125"),
    "1394": Program("pr1493", LATE, {"parallel": "none"}),
    "1412": Program("pr1493", {**LATE, "parallel_residual_start": 7}),
    "1530": Program("pr1970", TWO_LANES, {**NORMED, "smear_bos_mask": False}),
    "1774": Program("pr1493", {**LATE, "parallel_residual_start": 7}),
    "1787": Program("pr1970", TWO_LANES, {**NORMED, "smear_bos_mask": False}),
    "1851": Program("pr1970", TWO_LANES, {**NORMED, "smear_bos_mask": True}),
    "1969": Program("pr1970", WIDER, {"smear_bos_mask": False}),
}


def program_of(entry: Given) -> Program:
    """Return which program an entry is of; a pull request is like the last one before it."""
    text = entry["program"].lower()
    number = re.search(r"\bpr\W*(\d{3,4})\b", text)
    if number is None:
        return PROGRAMS["autoresearch" if "autoresearch" in text else "naive"]
    before = [n for n in PROGRAMS if n.isdigit() and int(n) <= int(number[1])]
    return PROGRAMS[max(before, key=int, default="naive")]


def is_on(value: object) -> bool:
    """Say whether an environment variable or an argument switches something on."""
    return str(value).lower() not in ("false", "0", "0.0", "off", "no", "none", "")


def _parallel(kind: str, first: int) -> Callable[[Any, Given], Given]:
    def settings(start: int, given: Given) -> Given:
        is_layer = first <= start < given["num_layers"]
        return {"parallel": kind, "parallel_start": start} if is_layer else {"parallel": "none"}

    return settings


def _gate(_: object, given: Given) -> Given:
    """Return the one gate that is on; only that of PR 1667 has a choice of sources."""
    if is_on(given.get("sparse_attn_gate_enabled", 0)):
        return {"attn_gate": "sparse", "gate_src": "normed"}
    if is_on(given.get("gated_attn_enabled", 0)):
        return {"attn_gate": "gated", "gate_src": "normed"}
    source = given.get("attn_out_gate_src")
    chosen = {"gate_src": SOURCES.get(source, source)} if source else {}
    is_out = is_on(given.get("attn_out_gate_enabled", 0))
    return {"attn_gate": "out_gate", **chosen} if is_out else {"attn_gate": "none"}


SOURCES = {"proj": "normed", "x_orig": "residual"}


def _embed_lr(of_tied: bool) -> Callable[[Any, Given], Given]:
    def settings(v: float, given: Given) -> Given:
        return {"embed_lr": v} if is_on(given.get("tie_embeddings", 1)) is of_tied else {}

    return settings


def _factorised(v: int, given: Given) -> Given:
    if v in (0, None, given.get("model_dim", 512)):
        return {}
    raise fail(f"EMBEDDING_DIM {v} is not the width: golf has no factorised embedding")


def _windows(v: list[Any], given: Given) -> Given:
    """Return the pattern of left contexts: numbers, or pairs of left and right."""
    lefts = [w[0] if isinstance(w, list) else w for w in v]
    short = [w for w in lefts if 0 <= w < given["seq_len"]]
    if not short:
        return {"window_pattern": "L"}
    letters = "".join("S" if w in short else "L" for w in lefts)
    return {"window_pattern": letters, "short_window": (short[0] + 0.5) / given["seq_len"]}


def _stretch(v: object, given: Given) -> Given:
    """Return the length that positions are stretched from, where the tokens are more."""
    lengths = [given.get(n) for n in ("rope_train_seq_len", "train_seq_len")]
    short = [n for n in lengths if n and n < given["seq_len"]]
    return {"rope_train_len": short[0]} if is_on(v) and short else {}


def _both_widths(v: int, _: Given) -> Given:
    return {"gate_width": v, "smear_width": v}


# Published settings that have another shape here.
RENAMED: dict[str, Callable[[Any, Given], Given]] = {
    "softcap": lambda v, _: {"logit_softcap": v or None},
    "ln_scale": lambda v, _: {"ln_scale": "norm_input" if is_on(v) else "none"},
    "xsa_last_n": lambda v, _: {"xsa": f"last:{v}" if v > 0 else "none"},
    "skip_gates_enabled": lambda v, _: {"skips": "gated" if is_on(v) else "plain"},
    "parallel_start_layer": _parallel("two_lane", 1),
    "parallel_residual_start": _parallel("one_stream", 0),
    "smear_gate_enabled": lambda v, _: {"smear": "v2" if is_on(v) else "none"},
    "attn_out_gate_enabled": _gate,
    "sparse_attn_gate_enabled": _gate,
    "gated_attn_enabled": _gate,
    "gate_window": _both_widths,
    "gate_width": _both_widths,
    "embedding_dim": _factorised,
    "windows": _windows,
    "value_embeds": lambda v, _: {"value_embed": ",".join(map(str, v)) or "none"},
    "rope_yarn": _stretch,
    "adam_wd": lambda v, _: {"scalar_wd": v},
    "tied_embed_lr": _embed_lr(of_tied=True),
    "embed_lr": _embed_lr(of_tied=False),
}
NOT_SETTINGS = re.compile(
    r"program|loss(es)?|optimizer|env|rotary|encoder|decoder|looping_active|banks|batch|"
    r"(train_|eval_|rope_train_)?seq_len|attn_out_gate_src|.*_init_std|muon_momentum_warmup_.*"
)
