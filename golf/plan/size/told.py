"""Finished quantizations of the same preset, and how their weights differ from normal rows."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field

from golf.config.fitted import fitted_spec
from golf.config.kinds import Kind
from golf.frozen import Frozen
from golf.plan.results import training_of
from golf.plan.size.cold import Excess, cold_excess
from golf.plan.size.grid import normal_bits
from golf.plan.size.kinds import Grid, Spec, deviation_of, grid_of
from golf.records import NodeId, Result

SEEDS = ("train.seed", "train.data_seed")
# Two trainings are of one preset when they agree in these and in nearly all else.
SAME = (
    "data.dataset", "data.vocab_size", "train.steps", "train.seconds", "train.batch_tokens",
    "model.init", "model.tied",
)  # fmt: skip
MOST_DIFFERENT = 12  # knobs in which a row may differ from others of its preset
CODING = (
    "quant.compressor", "quant.brotli_quality", "quant.group_streams", "quant.sort_rows",
    "quant.bit_pack", "quant.byte_shuffle",
)  # fmt: skip


class Sized(Frozen):
    """A finished quantization.

    Attributes:
        training: the knobs of the training.
        quant: the knobs of the quantization.
        steps: optimizer steps that were taken.
        table: bytes by kind, as the workshop recorded them.
        rest_bytes: of the file beside what the table tells: header and coder's tables.
    """

    training: Spec
    quant: Spec
    steps: float
    table: Mapping[str, Mapping[str, float]]
    rest_bytes: float

    def per_entry(self, name: str) -> float:
        """Return coded bytes per entry of a kind."""
        line = self.table[name]
        return line["coded_bytes"] / max(line["entries"], 1)

    @property
    def entries(self) -> int:
        """Integers in the file."""
        return round(sum(line["entries"] for line in self.table.values() if "rows" in line))

    def bits(self, kind: Kind) -> tuple[float, float]:
        """Return entropy and coded bits of an entry."""
        line = self.table[kind.kind]
        entropy, coded = line["entropy_bytes"], line["coded_bytes"]
        return 8 * entropy / line["entries"], 8 * coded / line["entries"]

    def cold(self, kind: Kind) -> Excess:
        """Return what was to be expected of it."""
        return cold_excess(kind, self.grid(kind), self.training, self.quant, self.steps)

    def grid(self, kind: Kind) -> Grid:
        columns = round(self.table[kind.kind]["entries"] / self.table[kind.kind]["rows"])
        here = kind._replace(columns=columns)
        return grid_of(
            kind.bucket, columns, self.quant, deviation_of(here, self.training, self.steps)
        )


def sized(results: Mapping[NodeId, Result]) -> list[Sized]:
    """Return every finished quantization that recorded its bytes by kind."""
    pairs = ((r, training_of(r, results)) for r in results.values() if records_bytes(r))
    return [sized_by(result, training) for result, training in pairs if training]


def records_bytes(result: Result) -> bool:
    """Say whether a result tells all parts of its file."""
    table = result.facts.get("bytes_by_kind", {})
    return "scales" in table and "passed" in table


def sized_by(result: Result, training: Result) -> Sized:
    """Return what a quantization and its training tell; what fitting chose counts as set."""
    table, chosen = result.facts["bytes_by_kind"], result.facts.get("fit", {}).get("settings")
    known = sum(line["coded_bytes"] for line in table.values())
    rest, steps = result.measures["model_bytes"] - known, training.measures["steps"]
    quant = result.spec if chosen is None else fitted_spec(result.spec, chosen)
    return Sized(training.spec, quant, steps, table, rest)


class Told(Frozen):
    """The finished quantizations that tell of one row.

    Attributes:
        number: how many are of its preset.
        weights: those whose trainings are the most like the row's.
        coders: those that, besides, make bytes of integers in the row's way.
    """

    number: int = 0
    weights: list[Sized] = field(default_factory=list)
    coders: list[Sized] = field(default_factory=list)

    @property
    def steps(self) -> float | None:
        return statistics.fmean(s.steps for s in self.weights) if self.weights else None

    def shape(self, kind: Kind) -> float | None:
        """Return entropy in bits per entry beyond the cold figure; None when not known."""
        seen = [s for s in self.weights if kind.kind in s.table]
        return mean(s.bits(kind)[0] - normal_bits(*s.grid(kind)) - s.cold(kind).shape for s in seen)

    def per_entry(self, name: str) -> float | None:
        return mean(s.per_entry(name) for s in self.coders if name in s.table)

    @property
    def rest_bytes(self) -> float | None:
        return mean(s.rest_bytes for s in self.coders)


def told_of(seen: Iterable[Sized], training: Spec, quant: Spec) -> Told:
    """Return what finished quantizations of the row's preset tell of it."""
    preset = [s for s in seen if _same_preset(s.training, training)]

    def unlike(s: Sized) -> tuple[int, int]:
        return differing(s.training, training), differing(s.quant, quant)

    coders = [s for s in preset if all(s.quant.get(n) == quant.get(n) for n in CODING)]
    return Told(len(preset), _nearest(preset, unlike), _nearest(coders, unlike))


def differing(a: Spec, b: Spec) -> int:
    """Return in how many knobs two specs differ, seeds and what machines set left out."""
    names = {n for n in a.keys() | b.keys() if not n.startswith("numerics.")} - {*SEEDS}
    return sum(a.get(n) != b.get(n) for n in names)


def _same_preset(a: Spec, b: Spec) -> bool:
    return all(a.get(n) == b.get(n) for n in SAME) and differing(a, b) <= MOST_DIFFERENT


def _nearest(seen: list[Sized], unlike: Callable[[Sized], tuple[int, int]]) -> list[Sized]:
    least = min(map(unlike, seen), default=None)
    return [s for s in seen if unlike(s) == least]


def mean(numbers: Iterable[float]) -> float | None:
    """Return the mean, or None of nothing."""
    found = list(numbers)
    return statistics.fmean(found) if found else None
