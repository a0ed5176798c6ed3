"""The quantization gap, tensor by tensor: bytes of the file, and error of the weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from golf.config.schema.quant import QuantConfig
from golf.quant.artifact import Packing, matrices_of
from golf.quant.grid import Codes
from golf.quant.quantize import MATRIX_BUCKETS, bits_of, clip_of, quantize_weights
from golf.quant.shares import bytes_by_matrix, fp16_bytes
from golf.quant.size import coded_bytes

GATE_BITS = 8
OVERHEAD = "overhead"
Line = dict[str, Any]


class Gap:
    """An artifact beside the weights that it was made from.

    Attributes:
        tensors: what the file holds.
        roles: quantization bucket of each tensor.
        weights: float tensors by name; empty where they are gone.
        hessians: by name, where errors are wanted in their norm.
    """

    def __init__(
        self,
        tensors: Mapping[str, Codes | Tensor],
        roles: Mapping[str, str],
        config: QuantConfig,
        weights: Mapping[str, Tensor],
        hessians: Mapping[str, Tensor],
    ) -> None:
        self.tensors, self.roles, self.config = tensors, roles, config
        self.weights, self.hessians = weights, hessians

    def lines(self, packed: bytes, packing: Packing) -> list[Line]:
        """Return a line for each tensor, in the order of the file.

        ``bytes`` are whole numbers: codes, their scales and low-rank factors, or fp16 values.
        ``entropy_bits`` is that of order 0 of an entry; ``error`` the norm of the error over
        that of the weights, ``hessian_error`` the same in the norm of the Hessian.
        """
        sizes = _whole(self._sizes(packed, packing))
        return [
            {
                **self._settings(name),
                "bytes": size,
                "share": size / len(packed),
                **self._errors(name),
            }
            for name, size in zip(self.tensors, sizes, strict=True)
        ]

    def _sizes(self, packed: bytes, packing: Packing) -> list[float]:
        coded = [t for t in self.tensors.values() if isinstance(t, Codes)]
        matrices = matrices_of(coded)
        scales, passed = fp16_bytes(self.tensors, packing)
        per_scale = scales / max(sum(len(m.scales) for m in matrices), 1)
        each = bytes_by_matrix(packed, self.tensors, packing)
        each = [b + per_scale * len(m.scales) for b, m in zip(each, matrices, strict=True)]
        own, factors = iter(each), iter(each[len(coded) :])
        through = [t.numel() for t in self.tensors.values() if isinstance(t, Tensor)]
        per_value = passed / max(sum(through), 1)
        found = []
        for tensor in self.tensors.values():
            if isinstance(tensor, Tensor):
                found.append(per_value * tensor.numel())
            else:
                repair = next(factors) + next(factors) if tensor.repair else 0.0
                found.append(next(own) + repair)
        return found

    def _settings(self, name: str) -> Line:
        tensor, role = self.tensors[name], self.roles[name]
        made: Line = {"tensor": name, "role": role}
        if isinstance(tensor, Tensor):
            shape = list(tensor.shape)
            return {**made, "shape": shape, "bits": 16, "clip_sigmas": None, "entropy_bits": None}
        matrix = role in MATRIX_BUCKETS
        by_sigma = matrix and self.config.clip == "sigma"
        return {
            **made,
            "shape": list(tensor.codes.shape),
            "bits": bits_of(self.config, role) if matrix else GATE_BITS,
            "clip_sigmas": clip_of(self.config, role) if by_sigma else None,
            "entropy_bits": 8 * coded_bytes({name: tensor}) / max(tensor.codes.numel(), 1),
        }

    def _errors(self, name: str) -> Line:
        if name not in self.weights:
            return {"error": None, "hessian_error": None}
        tensor, weight = self.tensors[name], self.weights[name]
        back = tensor.dequantize() if isinstance(tensor, Codes) else tensor.float()
        missed = back - weight
        found: Line = {"error": _ratio(missed.square().sum(), weight.square().sum())}
        hessian = self.hessians.get(name)
        both = None if hessian is None else [(m @ hessian * m).sum() for m in (missed, weight)]
        return {**found, "hessian_error": _ratio(*both) if both else None}

    def one_bit(self) -> list[Line]:
        """Return for each role what plain rounding at one bit less, and one more, would change.

        Clips stay. Bytes are of the codes' entropy; errors are over those of the present bits.
        """
        found = []
        for role in dict.fromkeys(r for r in self.roles.values() if r in MATRIX_BUCKETS):
            bits = bits_of(self.config, role)
            own = {n: w for n, w in self.weights.items() if self.roles[n] == role}
            size, error = self._rounded(own, role, bits)
            for other in (bits - 1, bits + 1):
                if own and 2 <= other <= 8:
                    new, worse = self._rounded(own, role, other)
                    found.append({
                        "role": role, "bits": bits, "other_bits": other,
                        "bytes": round(new - size), "error_ratio": worse / max(error, 1e-30),
                    })  # fmt: skip
        return found

    def _rounded(self, weights: Mapping[str, Tensor], role: str, bits: int) -> tuple[float, float]:
        """Return entropy in bytes and the norm of the error."""
        plain = replace(self.config, method="rtn", importance=0.0, lqer=False)
        wanted: dict[str, Any] = {"bits" if role == "matrix" else f"{role}_bits": bits}
        config = replace(plain, **wanted)
        with torch.inference_mode():
            made = quantize_weights(weights, self.roles, config)
        back = {n: t for n, t in made.items() if isinstance(t, Codes)}
        missed = sum(float((t.dequantize() - weights[n]).square().sum()) for n, t in back.items())
        return coded_bytes(made), missed**0.5


def role_lines(lines: Sequence[Line], whole: int) -> list[Line]:
    """Return totals by role and the overhead; their bytes add up to the file's, exactly."""
    found: dict[str, Line] = {}
    for line in lines:
        role = found.setdefault(line["role"], {"role": line["role"], "tensors": 0, "bytes": 0})
        role["tensors"] += 1
        role["bytes"] += line["bytes"]
    rest = whole - sum(line["bytes"] for line in lines)
    roles = [*found.values(), {"role": OVERHEAD, "tensors": 0, "bytes": rest}]
    return [{**role, "share": role["bytes"] / whole} for role in roles]


def _whole(sizes: Sequence[float]) -> list[int]:
    """Round so that every partial sum is the nearest to its own."""
    sums = [round(sum(sizes[: i + 1])) for i in range(len(sizes))]
    return [b - a for a, b in zip([0, *sums], sums, strict=False)]


def _ratio(missed: Tensor, whole: Tensor) -> float:
    return math.sqrt(max(float(missed), 0.0) / max(float(whole), 1e-30))
