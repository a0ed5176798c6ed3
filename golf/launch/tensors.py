"""``golf show --tensors``: what every tensor of a finished artifact takes and loses."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from golf.errors import fail
from golf.launch.ask import ask
from golf.plan.columns import columns
from golf.records import NodePaths, RunPaths, read_spec, stands

HEADS = ("tensor", "role", "shape", "bits", "clip", "entropy", "bytes", "share", "error")
IN_HESSIAN = "in H"


def tensors_of_run(folder: Path, hessians: bool) -> dict[str, Any]:
    """Return the answer about the quantization in a folder ``runs/quantize/KEY``.

    Raises:
        GolfError: it is no such folder, or not finished.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 (links are as good as folders)
    record, paths = read_spec(folder), RunPaths(folder.parents[2])
    if record.stage != "quantize" or folder.name != record.key:
        raise fail("not the folder of a quantization", "runs/quantize/KEY", str(folder))
    return tensors_of(paths, record.key, hessians, "golf run the matrix that it belongs to")


def tensors_of(paths: RunPaths, key: str, hessians: bool, hint: str) -> dict[str, Any]:
    """Return lines of tensors and of roles, and what one bit would change.

    Args:
        paths: the project.
        key: of a quantization.
        hessians: measure errors in the norm of the Hessian too.
        hint: what to do where it is not finished.

    Raises:
        GolfError: it is not finished, or its artifact is gone or damaged.
    """
    files: NodePaths = paths.node("quantize", key)
    if not stands(paths, "quantize", key):
        raise fail("the quantization is not finished", hint, str(files.folder))
    if not files.artifact.exists():
        raise fail("the artifact is not there any more", hint, str(files.folder))
    request = {"node": str(files.folder.resolve()), "hessians": hessians}
    with tempfile.TemporaryDirectory(prefix="golf-tensors-") as name:
        found: dict[str, Any] = ask("golf.stages.tensors", request, Path(name))
        return found


def tensor_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the tables for the terminal."""
    lines = found["tensors"]
    in_hessian = any(line["hessian_error"] is not None for line in lines)
    heads = (*HEADS, IN_HESSIAN) if in_hessian else HEADS
    yield from columns([heads, *(_cells(line)[: len(heads)] for line in lines)], left=3)
    yield ""
    total = {"role": "file", "tensors": len(lines), "bytes": found["model_bytes"], "share": 1.0}
    roles = [*found["roles"], total]
    yield from columns([
        ("role", "tensors", "bytes", "share"),
        *((r["role"], str(r["tensors"]), f"{r['bytes']:,}", f"{r['share']:.1%}") for r in roles),
    ])  # fmt: skip
    if found["one_bit"]:
        yield ""
        yield from columns([
            ("role", "bits", "instead", "bytes", "error"),
            *(
                (b["role"], str(b["bits"]), str(b["other_bits"]), f"{b['bytes']:+,}",
                 f"x{b['error_ratio']:.2f}") for b in found["one_bit"]
            ),
        ])  # fmt: skip


def _cells(line: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        line["tensor"], line["role"], "x".join(map(str, line["shape"])) or "1",
        str(line["bits"]), _number(line["clip_sigmas"], "g"), _number(line["entropy_bits"], ".2f"),
        f"{line['bytes']:,}", f"{line['share']:.1%}", _number(line["error"], ".5f"),
        _number(line["hessian_error"], ".5f"),
    )  # fmt: skip


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
