"""Every parameter has exactly one role: its optimizer group and its quantization bucket.

A part declares the roles of the parameters that it owns itself; nothing is guessed from names
or sizes, so a new part cannot be forgotten by the optimizer or the quantizer.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Role:
    """Optimizer group and quantization bucket.

    Groups: ``matrix`` (block matrices), ``embed`` (tables), ``head`` (an output head of its
    own), ``scalar`` (vectors, gates, small maps), ``resid`` and ``x0`` (scalar mixes of the
    stream, which autoresearch trains at rates of their own), ``adapter`` (loop adapters).
    Buckets: ``attn`` and ``mlp`` matrices, ``embed`` tables, ``gate`` tables of wide gates,
    ``pass`` for fp16 pass-through.
    """

    group: str
    bucket: str


ATTN_MATRIX = Role("matrix", "attn")
MLP_MATRIX = Role("matrix", "mlp")
VALUE_GATE = Role("matrix", "pass")
EMBED = Role("embed", "embed")
HEAD = Role("head", "embed")
SCALAR = Role("scalar", "pass")
CODED_GATE = Role("scalar", "gate")
RESID_MIX = Role("resid", "pass")
X0_MIX = Role("x0", "pass")
ADAPTER = Role("adapter", "pass")


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
