"""Bits per byte: float64 sums over targets that are each scored once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from golf.config.rules import geometry_stride
from golf.data.prepare import Prepared
from golf.data.validation import ValidationStream, Window, cut_windows
from golf.stages.context import Context


@dataclass
class Tally:
    """Running sums over scored targets; on every process its own part."""

    sums: Tensor

    @classmethod
    def empty(cls, device: torch.device) -> Tally:
        """Return nats, targets and bytes, all zero."""
        return cls(torch.zeros(3, dtype=torch.float64, device=device))

    def add(self, nll: Tensor, token_bytes: Tensor) -> None:
        """Count the targets whose bytes are not negative."""
        scored = token_bytes >= 0
        self.sums[0] += nll[scored].sum(dtype=torch.float64)
        self.sums[1] += scored.sum()
        self.sums[2] += token_bytes[scored].sum()


def summarize(tally: Tally, stream: ValidationStream, dataset: Prepared) -> dict[str, float]:
    """Return bits per byte and what it was made of, after checking that nothing is amiss.

    Raises:
        ArithmeticError: targets were left out or counted twice, or the bytes are not those of
            the validation text.
    """
    nats, targets, byte_count = (float(s) for s in tally.sums)
    if int(targets) != stream.targets:
        raise ArithmeticError(f"{targets:.0f} targets scored, {stream.targets} expected")
    if stream.whole and int(byte_count) != dataset.val_raw_bytes:
        raise ArithmeticError(f"{byte_count:.0f} bytes, {dataset.val_raw_bytes} in the text")
    return {
        "bpb": nats / (math.log(2) * byte_count),
        "loss_nats": nats / targets,
        "scored_targets": targets,
        "scored_bytes": byte_count,
    }


def open_stream(context: Context) -> tuple[ValidationStream, list[Window]]:
    """Return the validation stream and the windows of the node's geometry."""
    spec, seq_len = context.node.spec, context.training["train.seq_len"]
    stream = ValidationStream(context.dataset, spec.get("eval.max_tokens"))
    stride = geometry_stride(spec["eval.geometry"], seq_len)
    assert stride is not None, "planning checks geometries"
    return stream, cut_windows(stream.targets, seq_len, stride)


def scoring_facts(geometry: str, stream: ValidationStream, dataset: Prepared) -> dict[str, object]:
    """Return what a bits-per-byte figure must be read with."""
    return {
        "geometry": geometry,
        "bpb_convention": "all_targets",
        "counting": dataset.counting,
        "val_sha256": dataset.val_sha256,
        "whole_split": stream.whole,
    }
