"""Everything a training needs to go on, as safetensors; no pickle.

The state is a pure function of the steps taken, and data order a pure function of the step, so
a run that was killed and resumed gives the same bits as one that was not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from golf.files import renamed_into_place


def save_tensors(path: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Write tensors and a JSON note by rename."""
    plain = {n: t.detach().contiguous().cpu() for n, t in tensors.items()}
    with renamed_into_place(path) as temporary:
        save_file(plain, temporary, metadata={"about": json.dumps(about, sort_keys=True)})


def load_tensors(
    path: Path, device: torch.device
) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Return what ``save_tensors`` wrote; None when there is no such file, or a damaged one."""
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt", device=str(device)) as f:
            tensors = {n: f.get_tensor(n) for n in f.keys()}  # noqa: SIM118 (not a dict)
            about: dict[str, Any] = json.loads(f.metadata()["about"])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        print(f"{path} is damaged and not used: {error}", flush=True)
        return None
    return tensors, about


def with_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return ``tensors`` under ``prefix``."""
    return {prefix + n: t for n, t in tensors.items()}


def under_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors that stand under ``prefix``, without it."""
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
