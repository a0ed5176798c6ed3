"""How far off is the predicted size of an artifact, against every finished quantization?

Run: python benchmarks/size.py [--kinds] RUNS...

RUNS are folders that `golf run` filled (`runs/`). Each finished quantization is predicted twice:
cold, and told by one other finished row of its preset, the one that differs least from the rest.
Sizes are of the model's file: the script's bytes are counted, not predicted. Marks are asked at the
median of the preset's actual sizes, a harder question than 16,000,000 is for models as small as
these; below the table stand all marks at 16,000,000, with a script of 50,000 bytes.

With --kinds: bits per entry against a normal row's, the figures behind `golf/plan/size/cold.py`.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch

from golf.config.kinds import Kind
from golf.config.schema import group_from
from golf.config.schema.quant import QuantConfig
from golf.errors import GolfError
from golf.files import canonical_json
from golf.plan.results import all_results
from golf.plan.size.grid import normal_bits
from golf.plan.size.predict import Size, Subject, predict
from golf.plan.size.samples import Sample
from golf.plan.size.told import SAME, Sized, differing, records_bytes, sized_by, told_of
from golf.quant.artifact import read_artifact
from golf.quant.shares import bytes_by_kind
from golf.records import ARTIFACT_LIMIT, NodeId, Result, RunPaths
from golf.stages.context import model_settings
from golf.stages.inspect import counted, efficiency
from golf.stages.quantize import packing_of

SCRIPT = 50_000.0


class Case(NamedTuple):
    """A finished quantization: what it was, and the bytes of its file."""

    runs: Path
    key: str
    kinds: list[Kind]
    seen: Sized
    actual: float

    @property
    def preset(self) -> str:
        named = [self.seen.training.get(n) for n in SAME]
        return canonical_json([str(self.runs), len(self.kinds), *named])

    def predicted(self, seen: Sequence[Sized]) -> Size:
        told = told_of(seen, self.seen.training, self.seen.quant)
        return predict(
            Subject(self.kinds, self.seen.training, self.seen.quant, told), SCRIPT, tried
        )

    def far(self, other: Case) -> int:
        """Return in how many knobs two quantizations differ."""
        a, b = self.seen, other.seen
        return differing(a.training, b.training) + differing(a.quant, b.quant)


@cache
def answered(question: str, about: str) -> Any:
    """Return what the workshop tells of a model or of a compressor."""
    asked = json.loads(question)
    return counted(asked)["tensors"] if about == "model" else efficiency(asked)["ratio"]


def tried(sample: Sample) -> float:
    """Return what a compressor makes of a sample, over its entropy."""
    return float(answered(canonical_json(sample._asdict()), "coder"))


def cases(runs: Path) -> Iterator[Case]:
    """Yield every finished quantization of a folder whose model can still be built."""
    results = all_results(RunPaths(runs.resolve().parent))
    for result in results.values():
        if result.stage == "quantize":
            try:
                yield case(runs, result, results)
            except (GolfError, KeyError, TypeError, ValueError) as error:
                print(f"left out {runs}/quantize/{result.key}: {error!r}", file=sys.stderr)


def case(runs: Path, result: Result, results: Mapping[NodeId, Result]) -> Case:
    """Return a case; bytes by kind are read from the artifact where no result tells them."""
    stage, _, key = next(iter(result.inputs)).partition("/")
    training = results[stage, key]
    settings = canonical_json(model_settings(training.spec))
    kinds = [Kind(**t) for t in answered(settings, "model")]
    if not records_bytes(result):
        file = runs / "quantize" / result.key / "artifact.bin"
        tensors = read_artifact(file).tensors
        packing = packing_of(group_from(result.spec, QuantConfig))
        table = bytes_by_kind(file.read_bytes(), tensors, packing)
        result = dataclasses.replace(result, facts=result.facts | {"bytes_by_kind": table})
    seen = sized_by(result, training)
    return Case(runs, result.key, kinds, seen, result.measures["model_bytes"])


def errors(found: Sequence[Case], told: bool) -> list[tuple[Case, Size]]:
    """Return predictions of all, or of all but the row that tells of them."""
    if not told:
        return [(c, c.predicted([])) for c in found]
    middle = min(found, key=lambda c: sum(c.far(o) for o in found))
    return [(c, c.predicted([middle.seen])) for c in found if c is not middle]


def summary(pairs: Sequence[tuple[Case, Size]], median: float) -> str:
    """Return mean and worst error, rows within their interval, and right marks."""
    if not pairs:
        return "- | - | - | -"
    off = [abs(size.model / c.actual - 1) for c, size in pairs]
    inside = sum(abs(size.model - c.actual) <= size.doubt for c, size in pairs)
    right = sum((size.model <= median) == (c.actual <= median) for c, size in pairs)
    number = len(pairs)
    return (
        f"{100 * statistics.fmean(off):.2f} % | {100 * max(off):.2f} % "
        f"| {inside}/{number} | {right}/{number}"
    )


def print_kinds(found: Sequence[Case]) -> None:
    """Print bits per entry against a normal row's on the same grid, by kind."""
    print(
        "\n| kind | step | normal | entropy above it (cold) | saved (cold) |\n|:--|--:|--:|--:|--:|"
    )
    for c in found[:1]:
        for k in (k for k in c.kinds if k.kind in c.seen.table):
            grid, (entropy, coded), cold = c.seen.grid(k), c.seen.bits(k), c.seen.cold(k)
            normal = normal_bits(*grid)
            print(
                f"| {k.kind} | {grid.step:.3f} | {normal:.3f} | {entropy - normal:+.3f} "
                f"({cold.shape:+.3f}) | {entropy - coded:+.3f} ({cold.saved:+.3f}) |"
            )


def main() -> None:
    """Print one line for each preset of each folder, and one for all."""
    torch.set_num_threads(1)
    folders = [Path(a) for a in sys.argv[1:] if a != "--kinds"]
    groups: dict[str, list[Case]] = {}
    for found in (c for folder in folders for c in cases(folder)):
        groups.setdefault(found.preset, []).append(found)
    head = "mean | worst | in interval | mark"
    print(f"| preset | rows | cold: {head} | told by one: {head} |")
    print("|:--|--:|" + "--:|" * 8)
    everything: dict[bool, list[tuple[Case, Size]]] = {False: [], True: []}
    for group in groups.values():
        median = statistics.median(c.actual for c in group)
        line = []
        for told in (False, True):
            pairs = errors(group, told)
            everything[told] += pairs
            line.append(summary(pairs, median))
        first = group[0]
        name = f"{first.runs.parent.name}, {first.seen.steps:g} steps, {median:,.0f} bytes"
        print(f"| {name} | {len(group)} | {' | '.join(line)} |", flush=True)
        if "--kinds" in sys.argv:
            print_kinds(group)
    for told, pairs in everything.items():
        print(f"\n{'told' if told else 'cold'}: {marks(pairs)}")


def marks(pairs: Sequence[tuple[Case, Size]]) -> str:
    """Return how many marks at the limit of the challenge are right, and of those without ?."""
    limit = ARTIFACT_LIMIT - SCRIPT
    right = [size.fits == (c.actual <= limit) for c, size in pairs]
    sure = [r for r, (_, size) in zip(right, pairs, strict=True) if size.certain]
    return (
        f"{sum(right)} of {len(right)} marks at 16,000,000 are right; "
        f"of those without a ?, {sum(sure)} of {len(sure)}"
    )


if __name__ == "__main__":
    main()
