"""Score an artifact again in a clean process and hold it against what was recorded."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from golf.config.geometry import KINDS, parse_geometry
from golf.errors import GolfError, fail
from golf.files import file_sha256
from golf.frozen import Frozen
from golf.launch.ask import ask
from golf.records import NodePaths, Result, RunPaths, enclosing_project, read_result


class Verdict(Frozen):
    """One score of an artifact, measured again.

    Attributes:
        targets: how many tokens were scored.
        recorded: bits per byte that a result or the user claims; None when nobody does.
        by: what the claim is called.
        same_text: the validation text is the one that was recorded.
    """

    geometry: str
    targets: int
    measured: float
    recorded: float | None
    same_text: bool = True
    by: str = "recorded"

    def holds(self, tolerance: float) -> bool:
        """Say whether the claim stands; False without one."""
        claimed = self.recorded is not None and self.same_text
        return claimed and abs(self.measured - (self.recorded or 0.0)) <= tolerance

    def line(self, tolerance: float) -> str:
        """Return the verdict in words."""
        scored = f"{self.geometry}, {self.targets:,} targets"
        score = f"{scored}: {self.measured:.6f} bits per byte"
        if not self.same_text:
            return f"{score} on another validation text than the recorded one: not verified"
        if self.recorded is None:
            return f"{score}, nothing recorded to compare with: not verified (give --expect)"
        off = self.measured - self.recorded
        verdict = "verified" if self.holds(tolerance) else "NOT verified"
        return f"{score}, {self.by} {self.recorded:.6f}, off by {off:+.2g}: {verdict}"


def verify(artifact: Path, data: Path, expect: float | None, geometry: str | None) -> list[Verdict]:
    """Score ``artifact`` on ``data`` from its bytes alone.

    It is copied into an empty folder, where a new process that knows nothing else scores it.

    Raises:
        GolfError: the file is no whole artifact, or the data cannot be read.
    """
    if not artifact.is_file():
        raise fail("no artifact here", where=str(artifact))
    if not data.is_dir():
        raise fail("no data here", "give runs/data/KEY, or a folder of shards", str(data))
    if geometry is not None and parse_geometry(geometry) is None:
        raise fail(f"unknown geometry {geometry!r}; there are {KINDS}", where="--geometry")
    claims = [] if geometry or expect is not None else list(_recorded(artifact))
    specs = [r.spec for r in claims] or [{"eval.geometry": geometry or "chunked"}]
    scores = _score(artifact, data.resolve(), specs)
    if not claims:
        return [replace(_verdict(specs[0], scores[0], expect), by="claimed")]
    return [
        _verdict(
            r.spec, s, r.measures["bpb"],
            _text_of(s["facts"], s["measures"]) == _text_of(r.facts, r.measures),
        )
        for r, s in zip(claims, scores, strict=True)
    ]  # fmt: skip


def _verdict(
    spec: dict[str, Any], score: dict[str, Any], claimed: float | None, same_text: bool = True
) -> Verdict:
    measures = score["measures"]
    targets = int(measures["scored_targets"])
    return Verdict(spec["eval.geometry"], targets, measures["bpb"], claimed, same_text)


def _text_of(facts: dict[str, Any], measures: dict[str, float]) -> tuple[Any, ...]:
    """Return what tells one scored text from another."""
    return facts["val_sha256"], measures["scored_targets"], measures["scored_bytes"]


def _recorded(artifact: Path) -> Iterator[Result]:
    """Yield the evaluations of this very file that the project around it has on record."""
    root = enclosing_project(artifact.resolve().parent)
    folders = sorted((RunPaths(root).runs / "evaluate").glob("*")) if root else []
    digest = file_sha256(artifact)
    for folder in folders:
        with contextlib.suppress(GolfError):  # a damaged result tells nothing of this file
            result = read_result(NodePaths(folder))
            if result and digest in result.inputs.values():
                yield result


def _score(artifact: Path, data: Path, specs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="golf-verify-") as name:
        folder = Path(name)
        alone = folder / "artifact.bin"
        shutil.copyfile(artifact, alone)
        request = {"artifact": str(alone), "data": str(data), "evaluations": specs}
        try:
            found: list[dict[str, Any]] = ask("golf.stages.verify", request, folder)
        except GolfError as error:
            raise fail(str(error).replace(str(alone), str(artifact))) from None
        return found
