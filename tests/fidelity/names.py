"""One table from golf's parameter names to those of the published programs.

``{i}`` is the layer, ``{L}`` the number of layers; ``name[k]`` is row k of a bank. The first
name that the file holds is taken.
"""

from __future__ import annotations

import re

from torch import Tensor

NAMES: dict[str, tuple[str, ...]] = {
    "embed_VC": ("tok_emb.weight", "transformer.wte.weight"),
    "head.out.master": ("lm_head.weight",),
    "skips.weights_SC": ("skip_weights",),
    "skips.gates_SC": ("skip_gates",),
    "lanes.keep_L2": ("parallel_resid_lambdas",),
    "lanes.write_L22": ("parallel_post_lambdas",),
    "smear.gate_1W": ("smear_gate.weight", "smear_w"),
    "smear.strength_1": ("smear_lambda",),
    "blend.gate_C": ("smear.gate", "smear_gate.gate"),
    "bigram.table_NE": ("bigram.embed.weight",),
    "bigram.project.master": ("bigram.proj.weight",),
    "bigram.scale_1": ("bigram.scale",),
    "attention.value_residual.mix_2": ("blocks.{i}.attn.vr_lambda",),
    "mix.mix_2C": ("blocks.{i}.resid_mix",),
    "mix.resid_1": ("resid_lambdas[{i}]",),
    "mix.x0_1": ("x0_lambdas[{i}]",),
    "attn_scale.scale_C": ("blocks.{i}.attn_scale",),
    "mlp_scale.scale_C": ("blocks.{i}.mlp_scale",),
    "attention.q.master": (
        "blocks.{i}.attn.c_q.weight", "transformer.h.{i}.attn.c_q.weight", "qo_bank[{i}]",
    ),
    "attention.k.master": (
        "blocks.{i}.attn.c_k.weight", "transformer.h.{i}.attn.c_k.weight", "kv_bank[{i}]",
    ),
    "attention.v.master": (
        "blocks.{i}.attn.c_v.weight", "transformer.h.{i}.attn.c_v.weight", "kv_bank[{L}+{i}]",
    ),
    "attention.out.master": (
        "blocks.{i}.attn.proj.weight", "transformer.h.{i}.attn.c_proj.weight", "qo_bank[{L}+{i}]",
    ),
    "attention.query_gain.gain_H": ("blocks.{i}.attn.q_gain",),
    "attention.gate.table_HW": (
        "blocks.{i}.attn.attn_gate_proj.weight", "blocks.{i}.attn.attn_gate_proj",
        "blocks.{i}.attn.attn_gate_w", "blocks.{i}.attn.attn_out_gate_w",
    ),
    "attention.value_embed.table_VE": ("value_embeds.{i}.weight",),
    "attention.value_embed.gate.table_HW": ("transformer.h.{i}.attn.ve_gate.weight",),
    "mlp.up.master": (
        "blocks.{i}.mlp.fc.weight", "transformer.h.{i}.mlp.c_fc.weight", "mlp_up_bank[{i}]",
    ),
    "mlp.down.master": (
        "blocks.{i}.mlp.proj.weight", "transformer.h.{i}.mlp.c_proj.weight", "mlp_down_bank[{i}]",
    ),
}  # fmt: skip


def published(
    tensors: dict[str, Tensor], kind: str, name: str, depth: int
) -> tuple[Tensor, Tensor]:
    """Return the published tensor of golf's parameter ``name``, and the bank that it is a row of.

    Args:
        tensors: the file.
        kind: ``weight``, ``grad``, ``after1`` or ``after``.
        name: golf's name.
        depth: layers of the model.

    Raises:
        KeyError: the file has no such tensor.
    """
    match = re.fullmatch(r"blocks\.(\d+)\.(.*)", name)
    layer, part = (int(match[1]), match[2]) if match else (0, name)
    for candidate in NAMES[part]:
        bank, _, row = candidate.format(i=layer, L=depth).partition("[")
        if f"{kind}.{bank}" in tensors:
            found = tensors[f"{kind}.{bank}"]
            return (found[_row(row)] if row else found), found
    raise KeyError(f"{kind} of {name}: none of {NAMES[part]}")


def _row(text: str) -> int:
    """Return the row of ``i]`` or ``L+i]``."""
    return sum(int(number) for number in text.rstrip("]").split("+"))
