"""Named tensors and their buckets to codes: which grid and which rounding each one gets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from golf.config.schema.quant import QuantConfig
from golf.quant.entry import kind_of
from golf.quant.gptq import gptq_round, importance_scales
from golf.quant.grid import (
    Codes,
    fp16_scales,
    quantile_scales,
    quantize_by_quantile,
    round_rows,
    searched_scales,
    sigma_scales,
)
from golf.quant.lqer import asymmetric_repair, grouped_repair_fits, symmetric_repair
from golf.quant.rotate import rotate_columns, rotate_hessian

Tensors = dict[str, Codes | Tensor]
MATRIX_BUCKETS = ("attn", "mlp", "matrix", "embed")


def quantize_weights(
    weights: Mapping[str, Tensor],
    buckets: Mapping[str, str],
    config: QuantConfig,
    hessians: Mapping[str, Tensor] | None = None,
) -> Tensors:
    """Return codes for matrices and embeddings, fp16 for what passes through.

    Tensors are ordered by bucket, so that a compressor meets like after like.

    Args:
        weights: float tensors by name.
        buckets: ``attn``, ``mlp``, ``matrix``, ``embed``, ``gate`` or ``pass`` for each.
        config: the knobs.
        hessians: (columns, columns) for each tensor that GPTQ rounds; tensors with the same
            inputs share one object and are rounded together. Others are rounded plainly.
    """
    ordered = sorted(weights, key=lambda name: (buckets[name], kind_of(name), name))
    done: Tensors = {n: weights[n].half() for n in ordered}
    for name in ordered:
        if buckets[name] == "gate" and config.quant_gate:
            done[name] = quantize_by_quantile(weights[name], 8, 1.0)
    matrices = [n for n in ordered if buckets[n] in MATRIX_BUCKETS]
    for names in _sharing(matrices, hessians or {}, buckets):
        hessian = (hessians or {}).get(names[0])
        coded = _quantize_group([weights[n] for n in names], hessian, config, buckets[names[0]])
        done.update(zip(names, coded, strict=True))
    return _repaired(done, weights, config) if config.lqer else done


def bits_of(config: QuantConfig, bucket: str) -> int:
    """Return the bits per weight of a bucket of matrices."""
    own = {"attn": config.attn_bits, "mlp": config.mlp_bits, "embed": config.embed_bits}
    return own.get(bucket) or config.bits


def clip_of(config: QuantConfig, bucket: str) -> float:
    """Return the clip multiplier of a bucket of matrices."""
    own = {
        "attn": config.attn_clip_sigmas,
        "mlp": config.mlp_clip_sigmas,
        "embed": config.embed_clip_sigmas,
    }
    clip = own.get(bucket) or config.clip_sigmas
    assert clip is not None, "planning fills in the clip that belongs to the bits"
    return clip


def _sharing(
    names: Iterable[str], hessians: Mapping[str, Tensor], buckets: Mapping[str, str]
) -> list[list[str]]:
    """Group the tensors that see the same inputs and are on the same grid."""
    groups: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for name in names:
        shared = id(hessians[name]) if name in hessians else name
        groups[shared, buckets[name]].append(name)
    return list(groups.values())


def _quantize_group(
    matrices: list[Tensor], hessian: Tensor | None, config: QuantConfig, bucket: str
) -> list[Codes]:
    bits = bits_of(config, bucket)
    if config.rotate:
        matrices = [rotate_columns(m.float()) for m in matrices]
        hessian = None if hessian is None else rotate_hessian(hessian)
    if hessian is None and config.clip == "percentile":
        quantile = config.clip_percentile / 100
        coded = [quantize_by_quantile(m, bits, quantile, config.scale_floor) for m in matrices]
        return [replace(c, rotated=config.rotate) for c in coded]
    exact = [_scales(m.float(), hessian, config, bucket) for m in matrices]
    scales, joined = fp16_scales(torch.cat(exact), config.scale_floor), torch.cat(matrices)
    if hessian is None:
        codes = round_rows(joined, scales, bits)
    else:
        by_diagonal = config.gptq_order == "diagonal"
        codes = gptq_round(joined, hessian, scales, bits, config.gptq_damping, by_diagonal)
    rows = [len(m) for m in matrices]
    parts = zip(codes.split(rows), scales.split(rows), strict=True)
    return [Codes(c.clone(), s.clone(), config.rotate) for c, s in parts]


def _scales(matrix: Tensor, hessian: Tensor | None, config: QuantConfig, bucket: str) -> Tensor:
    bits = bits_of(config, bucket)
    if config.clip == "search":
        return searched_scales(matrix, bits)
    if config.clip == "percentile":
        return quantile_scales(matrix, bits, config.clip_percentile / 100)
    scales = sigma_scales(matrix, bits, clip_of(config, bucket))
    if hessian is None or not config.importance:
        return scales
    return importance_scales(scales, matrix, hessian, config.importance)


def _repaired(tensors: Tensors, weights: Mapping[str, Tensor], config: QuantConfig) -> Tensors:
    """Add low-rank factors to the few tensors whose error has the largest Frobenius norm."""
    errors = {
        n: weights[n].float() - t.dequantize() for n, t in tensors.items() if isinstance(t, Codes)
    }
    worst = sorted(errors, key=lambda n: float(errors[n].norm()), reverse=True)
    for name in worst[: config.lqer_top_k]:
        error, coded = errors[name], tensors[name]
        rank = min(config.lqer_rank, *error.shape)
        if config.lqer_asym and grouped_repair_fits(error.size(1), rank, config.lqer_group):
            repair = asymmetric_repair(error, rank, config.lqer_group)
        else:
            repair = symmetric_repair(error, rank, config.lqer_factor_bits)
        assert isinstance(coded, Codes)
        tensors[name] = replace(coded, repair=repair)
    return tensors
