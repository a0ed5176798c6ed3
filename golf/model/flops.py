"""Floating-point operations of one trained token, counted the way the field counts them."""

from __future__ import annotations

from golf.model.adapters import Adapter
from golf.model.attention import Attention
from golf.model.gpt import GPT
from golf.model.head import UntiedHead
from golf.model.linear import Linear

# Dense bfloat16 operations per second, from the makers' data sheets.
PEAK_FLOPS = {"H100": 989.5e12, "H200": 989.5e12, "A100": 312e12}


def peak_flops(device_name: str) -> float | None:
    """Return a GPU's peak, or None where it is not known."""
    return next((peak for name, peak in PEAK_FLOPS.items() if name in device_name), None)


def train_flops_per_token(model: GPT, seq_len: int) -> int:
    """Return forward and backward operations per token.

    Blocks count as often as the route runs them. Six per weight that is multiplied (a tied
    table once, as the head; look-ups are free) and
    12 * head channels * window per layer for attention, its causal half not credited.
    """
    blocks = [model.blocks[slot.layer] for slot in model.route]
    outside = [m for n, m in model.named_modules() if not n.startswith("blocks.")]
    weights = 0 if isinstance(model.head, UntiedHead) else model.embed_VC.numel()
    attention = 0
    for part in [*outside, *(p for block in blocks for p in block.modules())]:
        if isinstance(part, Linear):
            weights += part.master.numel()
        if isinstance(part, Adapter):
            weights += part.a_CR.numel() + part.b_RC.numel()
        if isinstance(part, Attention):
            reach = seq_len if part.window is None else min(part.window, seq_len)
            attention += 12 * part.q.master.size(0) * reach
    return 6 * weights + attention
