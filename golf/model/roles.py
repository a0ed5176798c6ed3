"""Every parameter has exactly one role: its optimizer group and its quantization bucket.

A part declares the roles of the parameters that it owns itself; nothing is guessed from names
or sizes, so a new part cannot be forgotten by the optimizer or the quantizer.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Role:
    """Optimizer group (``matrix``, ``embed``, ``head``, ``scalar``) and bucket.

    Buckets: ``attn`` and ``mlp`` matrices, ``embed`` tables, ``pass`` for fp16 pass-through.
    """

    group: str
    bucket: str


ATTN_MATRIX = Role("matrix", "attn")
MLP_MATRIX = Role("matrix", "mlp")
GATE_MATRIX = Role("matrix", "pass")
EMBED = Role("embed", "embed")
HEAD = Role("head", "embed")
SCALAR = Role("scalar", "pass")


def roles_of(model: nn.Module) -> dict[str, Role]:
    """Return the role of every parameter by its full name.

    Raises:
        TypeError: a part owns a parameter without declaring its role.
    """
    found: dict[str, Role] = {}
    for prefix, part in model.named_modules():
        declared: dict[str, Role] = getattr(part, "roles", {})
        for name, _ in part.named_parameters(recurse=False):
            if name not in declared:
                raise TypeError(f"{type(part).__name__} declares no role for {name!r}")
            found[f"{prefix}.{name}" if prefix else name] = declared[name]
    return found
