"""Named tensors and their buckets to codes: which bits and which clip each one gets."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from golf.config.schema.post import QuantConfig
from golf.quant.grid import Codes, quantize_rows


def quantize_weights(
    weights: Mapping[str, Tensor], buckets: Mapping[str, str], config: QuantConfig
) -> dict[str, Codes | Tensor]:
    """Return codes for matrices and embeddings, fp16 for what passes through.

    Tensors are ordered by bucket, so that the entropy coder meets like after like.
    """
    grids = {
        "attn": (config.bits, config.clip_sigmas),
        "mlp": (config.bits, config.clip_sigmas),
        "embed": (config.embed_bits, config.embed_clip_sigmas),
    }
    ordered = sorted(weights, key=lambda name: (buckets[name], _unnumbered(name), name))
    done: dict[str, Codes | Tensor] = {}
    for name in ordered:
        if buckets[name] in ("pass", "gate"):
            done[name] = weights[name].half()
            continue
        bits, clip = grids[buckets[name]]
        assert clip is not None, "planning fills in the clip that belongs to the bits"
        done[name] = quantize_rows(weights[name], bits, clip)
    return done


def _unnumbered(name: str) -> str:
    """Return a name without its layer number, so that all layers' queries stand together."""
    return ".".join(part for part in name.split(".") if not part.isdigit())
