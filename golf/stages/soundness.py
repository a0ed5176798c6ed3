"""Whether an artifact's settings describe the model of its tensors, before anything is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from golf.config.knob import UNSET
from golf.config.model_rules import MODEL_RULES
from golf.config.schema import KNOBS, group_from
from golf.config.schema.model import ModelConfig
from golf.config.values import BadValueError, coerce
from golf.errors import GolfError, fail
from golf.model.gpt import build_gpt
from golf.quant.artifact import Artifact
from golf.quant.grid import Codes
from golf.stages.context import model_settings

POLICIES = {
    "numerics.device": ("cpu", "cuda"),
    "numerics.dtype": ("float32", "bfloat16"),
    "numerics.attention": ("tiles", "sdpa", "flex"),
}
ASKED_FOR = ("data.vocab_size", "train.seq_len", "model.n_head", "model.n_kv_head")
MOST_PASSES = 4096  # of blocks in one forward pass
MOST_TABLES = 1 << 30  # numbers in tables of positions
HINT = "the file was made by another version of golf, or by hand"


def check_settings(artifact: Artifact, where: str) -> None:
    """Refuse settings from which no model can be built that holds the artifact's tensors.

    Raises:
        GolfError: what is wrong, and in which file.
    """
    settings = artifact.settings
    for name, choices in POLICIES.items():
        if settings.get(name) not in choices:
            raise _bad(
                f"{name} is one of {', '.join(choices)}, found {settings.get(name)!r}", where
            )
    values = _values(settings, where)
    _check_passes(values, artifact, where)
    for _, rule in MODEL_RULES:
        message = rule(values, 1)
        if message:
            raise _bad(message, where)
    _check_shapes(artifact, where)


def _values(settings: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the value of every knob; those that the model is not made of are off."""
    values: dict[str, Any] = {
        k.name: k.default if k.off is UNSET else k.off for k in KNOBS.values()
    }
    missing = [n for n in ASKED_FOR if n not in settings]
    if missing:
        raise _bad(f"{missing[0]} is missing", where)
    for name, value in model_settings(dict(settings)).items():
        if name not in KNOBS:
            raise _bad(f"there is no {name}", where)
        try:
            values[name] = coerce(KNOBS[name], value)
        except BadValueError as error:
            raise _bad(error.what, where) from None
    return values


def _check_passes(values: Mapping[str, Any], artifact: Artifact, where: str) -> None:
    """Refuse a model of more blocks than the file holds, or of endless loops."""
    named = {n.split(".")[1] for n in artifact.tensors if n.startswith("blocks.")}
    depth = values["model.depth"]
    if depth != len(named):
        raise _bad(f"model.depth is {depth}, the file holds {len(named)} blocks", where)
    looped = values["model.loop_end"] - values["model.loop_start"] + 1
    if depth + values["model.loop_count"] * max(looped, 1) > MOST_PASSES:
        raise _bad(f"its loops run more than {MOST_PASSES} blocks in a pass", where)


def _check_shapes(artifact: Artifact, where: str) -> None:
    """Refuse tensors that are not those of the model; it is built without its numbers."""
    settings = artifact.settings
    config, seq_len = group_from(settings, ModelConfig), settings["train.seq_len"]
    try:
        with torch.device("meta"):
            model = build_gpt(config, settings["data.vocab_size"], seq_len, "sdpa", "float32")
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise _bad(str(error).partition("\n")[0], where) from None
    wanted = {n: list(p.shape) for n, p in model.state_dict().items()}
    found = {
        n: list(t.codes.shape if isinstance(t, Codes) else t.shape)
        for n, t in artifact.tensors.items()
    }
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise _bad(f"{name} is {found.get(name)}, the model's {wanted.get(name)}", where)
    if sum(b.numel() for b in model.buffers()) > MOST_TABLES:
        raise _bad(f"sequences of {seq_len} tokens take too large tables", where)


def _bad(what: str, where: str) -> GolfError:
    return fail(f"the artifact's settings describe no model: {what}", HINT, where)
