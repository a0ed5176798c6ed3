"""Predicted bytes of a row's artifact: codes by kind, scales, what passes through, the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from golf.config.coding import LANE_BYTES, lanes_for, levels
from golf.config.fitted import CLOSE, FIT, ROLES, SPARE, STEPS, fitted_spec
from golf.config.kinds import Kind
from golf.frozen import Frozen
from golf.plan.size.cold import cold_excess, fp16_bytes
from golf.plan.size.grid import alike_bits, normal_bits
from golf.plan.size.kinds import Grid, Spec, deviation_of, grid_of
from golf.plan.size.samples import Sample, sample_of
from golf.plan.size.told import Sized, Told, mean
from golf.records import ARTIFACT_LIMIT

SCALE_BYTES = 1.31  # an fp16 scale after compression
HEADER_BYTES, TENSOR_BYTES = 380.0, 4.0  # settings, and a tensor's name and shape, compressed
TABLE_BYTES = 900.0  # of golf's entropy coder
REPAIR_BITS = 3.0  # an entry of a low-rank factor, scales included
TOLD_BITS = 0.015  # standard deviation of a told figure over rows of a preset, bits per entry
TOLD_CLOCK_BITS = 0.045  # ... of rows that take as many steps as the clock allows
UNSEEN_CODER = 0.01  # ... of a general compressor of which nothing is finished, over its bits
CLOCK_SIZE = 8.0  # weights may be so many times smaller where only the clock knows the steps
STEPS_SIZE = 2.0  # ... where steps are known, or those of another row
FP16_BITS = 3.0  # ... of an entry that passes through, where none was seen
LEAST_BITS = 1e-3  # grids so coarse that nothing is left of an entry tell nothing
SIDES = 2.0  # standard deviations on either side of what is printed

Efficiency = Callable[[Sample], float]  # coded bytes over entropy


class Size(Frozen):
    """Predicted bytes.

    Attributes:
        model: of the artifact's file.
        code: of the script.
        doubt: half the width of an interval that holds about 95 of 100 rows.
        rows: finished quantizations of this preset that it is told from.
    """

    model: float
    code: float
    doubt: float
    rows: int

    @property
    def artifact(self) -> int:
        return round(self.model + self.code)

    @property
    def fits(self) -> bool:
        return self.artifact <= ARTIFACT_LIMIT

    @property
    def certain(self) -> bool:
        """Say whether the whole interval lies on one side of the limit."""
        return abs(self.artifact - ARTIFACT_LIMIT) > self.doubt


class Subject(Frozen):
    """A row whose size is asked for."""

    kinds: Sequence[Kind]
    training: Spec
    quant: Spec
    told: Told

    @property
    def steps(self) -> float | None:
        """Optimizer steps; None where only the clock knows."""
        given = self.training.get("train.steps")
        return float(given) if given else self.told.steps

    def grid(self, kind: Kind, smaller: float = 1.0) -> Grid:
        """Return a kind's grid, also for weights so many times smaller than expected."""
        deviation = deviation_of(kind, self.training, self.steps) / smaller
        return grid_of(kind.bucket, kind.columns, self.quant, deviation)

    def floor_doubt(self, kind: Kind) -> float:
        """Return the bits that an entry loses to a floor under scales if weights stay small."""
        smaller = CLOCK_SIZE if self.steps is None else STEPS_SIZE
        return normal_bits(*self.grid(kind)) - normal_bits(*self.grid(kind, smaller))

    def coded(self) -> list[Kind]:
        return [k for k in self.kinds if k.is_coded(self.quant)]

    @property
    def entries(self) -> int:
        """Integers in the file."""
        return sum(k.entries for k in self.coded())

    def at(self, bits: int, clip: float) -> Subject:
        """Return the row with all its roles on one grid."""
        chosen = {f"quant.{r}_{n}": v for r in ROLES for n, v in (("bits", bits),
                  ("clip_sigmas", clip))}  # fmt: skip
        return replace(self, quant=fitted_spec(self.quant, {"quant.clip": "sigma"} | chosen))

    def ends(self) -> list[Subject]:
        """Return the row on the finest and on the coarsest grids that fitting chooses from."""
        return [self.at(8, STEPS[0] * levels(8)), self.at(2, STEPS[-1] * levels(2))]

    def samples(self) -> set[Sample]:
        """Return what compressors have to be tried on."""
        if FIT in self.quant:
            return {sample for end in self.ends() for sample in end.samples()}
        kinds = self.coded()
        own = {sample_of(self.quant, self.grid(k), self.entries) for k in kinds}
        return own | {
            sample_of(s.quant, s.grid(k), s.entries)
            for s in self.told.coders
            for k in kinds
            if k.kind in s.table
        }


def predict(row: Subject, code_bytes: float, efficiency: Efficiency) -> Size:
    """Return the size of a row's artifact."""
    if FIT not in row.quant:
        return _set(row, code_bytes, efficiency)
    finest, coarsest = (_set(end, code_bytes, efficiency) for end in row.ends())
    close = CLOSE * row.quant[FIT] / 2
    aim = row.quant[FIT] - SPARE - close - code_bytes
    if coarsest.model < aim < finest.model:
        return Size(aim, code_bytes, close + SPARE, row.told.number)
    return finest if finest.model <= aim else coarsest


def _set(row: Subject, code_bytes: float, efficiency: Efficiency) -> Size:
    """Return the size of a row whose grids are set."""
    coded = row.coded()
    parts = [_codes(row, kind, efficiency) for kind in coded]
    total = math.fsum(size for size, _ in parts)
    doubts = [doubt for _, doubt in parts]
    scales = sum(k.number * k.rows for k in coded)
    per_scale = row.told.per_entry("scales")
    total += scales * (SCALE_BYTES if per_scale is None else per_scale)
    total += _repairs(row, coded)
    passed = sum(k.entries for k in row.kinds if not k.is_coded(row.quant))
    through = row.told.per_entry("passed")
    total += fp16_bytes(passed, row.steps) if through is None else passed * through
    doubts += [passed * FP16_BITS / 8] if through is None else []
    rest = row.told.rest_bytes
    total += _rest(row) if rest is None else rest
    limit = row.quant.get("quant.prune_to_bytes")
    model = min(total, float(limit)) if limit else total
    return Size(model, code_bytes, SIDES * math.hypot(*doubts), row.told.number)


def _codes(row: Subject, kind: Kind, efficiency: Efficiency) -> tuple[float, float]:
    """Return the bytes of a kind's codes and their standard deviation."""
    grid = row.grid(kind)
    cold = cold_excess(kind, grid, row.training, row.quant, row.steps)
    shape = row.told.shape(kind)
    entropy = normal_bits(*grid) + cold.shape + (shape or 0.0)
    plain = (entropy - cold.saved) * efficiency(sample_of(row.quant, grid, row.entries))
    more = mean(
        _beyond(s, kind, grid, plain, efficiency) for s in row.told.coders if kind.kind in s.table
    )
    told = TOLD_BITS if row.training.get("train.steps") else TOLD_CLOCK_BITS
    doubt = (cold.doubt if more is None else told) + row.floor_doubt(kind)
    if more is None and row.quant["quant.compressor"] != "ans":
        doubt += UNSEEN_CODER * plain
    return kind.entries * max(plain + (more or 0.0), 0.0) / 8, kind.entries * doubt / 8


def _beyond(s: Sized, kind: Kind, grid: Grid, plain: float, efficiency: Efficiency) -> float:
    """Return bits per entry on ``grid`` that a finished row took beyond what was expected of it.

    A general compressor is better or worse in proportion. What similar rows save shrinks on
    coarse grids; what golf's coder adds stays.
    """
    there, (entropy, coded) = s.grid(kind), s.bits(kind)
    expected = (entropy - s.cold(kind).saved) * efficiency(sample_of(s.quant, there, s.entries))
    if s.quant["quant.compressor"] != "ans":
        return plain * (coded / max(expected, LEAST_BITS) - 1)
    more = coded - expected
    shrunk = alike_bits(*grid) / max(alike_bits(*there), LEAST_BITS)
    return more * shrunk if more < 0 else more


def _repairs(row: Subject, coded: Sequence[Kind]) -> float:
    """Return the bytes of low-rank factors of the tensors that round worst, the largest."""
    if not row.quant.get("quant.lqer"):
        return 0.0
    rank, number = row.quant["quant.lqer_rank"], row.quant["quant.lqer_top_k"]
    sizes = [(k.rows * k.columns, k.rows + k.columns) for k in coded for _ in range(k.number)]
    entries: float = sum(rank * sides for _, sides in sorted(sizes, reverse=True)[:number])
    told = row.told.per_entry("repairs")
    return entries * (REPAIR_BITS / 8 if told is None else told)


def _rest(row: Subject) -> float:
    """Return the bytes of the header, and of the entropy coder's tables and states."""
    rest = HEADER_BYTES + TENSOR_BYTES * sum(k.number for k in row.kinds)
    if row.quant["quant.compressor"] != "ans":
        return rest
    return rest + TABLE_BYTES + LANE_BYTES * lanes_for(row.entries)
