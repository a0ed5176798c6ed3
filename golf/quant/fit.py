"""Bits and clips that fit a number of bytes with the least loss, one choice for each role.

An entropy coder pays for the step between two codes, not for the bits that a code may have: a
role's rungs are steps from fine to coarse, each with the fewest bits that serve it. What a rung
costs in loss is measured at a few of them and follows the rounding error in between: the loss
grows with the squared error, by a factor that differs between roles. Roles are then weighed
against each other on the convex hulls of loss over bytes (Shoham and Gersho, 1988).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from torch import Tensor

from golf.config.coding import levels
from golf.config.fitted import CLOSE, STEPS
from golf.quant.grid import quantize_rows
from golf.quant.size import coded_bytes

BITS = range(2, 9)
LEAST_CLIP = 1.0  # standard deviations
SAMPLED = 1 << 18  # weights of a role on which rungs are compared
APART = 2  # octaves around the middle rung in which losses are measured
SURE = 2.0  # standard errors above which a measured loss counts
TIE = 1e-9  # nats per unit of error: of two rungs that cost the same, the finer is better
MARGIN = 0.05  # of a bracket: how far inside it the next try is at least
MOST_FILES = 10  # that are made to come close


class Rung(NamedTuple):
    """Settings of one role.

    Attributes:
        step: between two codes, in standard deviations of a row.
        coded: entropy of the codes, bytes.
        error: squared rounding error over squared weights.
    """

    bits: int
    clip: float
    step: float
    coded: float
    error: float


class Probe(NamedTuple):
    """What rounding one role at a rung costs: nats per token more, and their standard error."""

    rung: int
    loss: float
    unsure: float


class Point(NamedTuple):
    """What a rung is believed to take: bytes of the file, and nats per token."""

    bytes: float
    loss: float


def rungs_of(matrices: Sequence[Tensor], floor: float) -> list[Rung]:
    """Return a role's settings from the finest to the coarsest; each is smaller than the last.

    Args:
        matrices: all of a role's weights, (rows, columns) each, turned if they are to be.
        floor: smallest scale.
    """
    total = sum(m.numel() for m in matrices)
    stride = -(-total // SAMPLED)
    parts = [m[::stride].float() for m in matrices]
    share = total / sum(p.numel() for p in parts)
    highest = max(float((p.abs() / spread(p)).max()) for p in parts)
    found = []
    for step in STEPS:
        for bits in BITS:
            clip = round(step * levels(bits), 4)
            if clip >= LEAST_CLIP:
                found.append(_rung(parts, share, bits, clip, floor))
            if clip > highest:
                break
    return _frontier(found)


def spread(matrix: Tensor) -> Tensor:
    """Return the standard deviation of each row, (rows, 1)."""
    return matrix.std(dim=1, correction=1, keepdim=True).clamp(min=1e-12)


def _rung(parts: Sequence[Tensor], share: float, bits: int, clip: float, floor: float) -> Rung:
    coded = [quantize_rows(p, bits, clip, floor) for p in parts]
    missed = sum(float((c.on_grid() - p).square().sum()) for c, p in zip(coded, parts, strict=True))
    whole = sum(float(p.square().sum()) for p in parts)
    size = share * coded_bytes({str(i): c for i, c in enumerate(coded)})
    return Rung(bits, clip, clip / levels(bits), size, missed / max(whole, 1e-30))


def _frontier(found: Sequence[Rung]) -> list[Rung]:
    """Keep what no other beats in both bytes and error; of equals, the fewest bits."""
    kept: list[Rung] = []
    for rung in sorted(found, key=lambda r: (r.coded, r.error, r.bits)):
        if not kept or rung.error < kept[-1].error:
            kept.append(rung)
    return kept[::-1]


def even_rungs(
    ladders: Mapping[str, Sequence[Rung]], ratios: Mapping[str, float], budget: float
) -> dict[str, int]:
    """Return each role's rung at the finest step, the same for all, that takes ``budget`` bytes.

    Args:
        ladders: rungs of each role.
        ratios: coded bytes over entropy, by role.
        budget: bytes for the codes of all roles; the coarsest rungs may take more.
    """
    for step in STEPS:
        places = {role: nearest(ladder, step) for role, ladder in ladders.items()}
        if sum(ratios[n] * ladders[n][i].coded for n, i in places.items()) <= budget:
            break
    return places


def rungs_around(
    ladders: Mapping[str, Sequence[Rung]], middle: Mapping[str, int]
) -> dict[str, list[int]]:
    """Return rungs an octave apart, some finer and some coarser than that in the middle."""
    found = {}
    for role, ladder in ladders.items():
        step = ladder[middle[role]].step
        steps = [step * 2**octave for octave in range(-APART, APART + 1)]
        found[role] = sorted({nearest(ladder, s) for s in steps})
    return found


def nearest(ladder: Sequence[Rung], step: float) -> int:
    """Return the place of the rung whose step is closest, by ratio."""
    return min(range(len(ladder)), key=lambda i: abs(math.log(ladder[i].step / step)))


def curve(ladder: Sequence[Rung], probes: Iterable[Probe], ratio: float) -> list[Point]:
    """Return what each rung takes in bytes, ``ratio`` times its entropy, and in loss.

    Loss over error is interpolated between probes by the logarithm of the step. A probe whose
    loss is not surely above zero takes over that of the next coarser one, and no rung is taken
    to cost more than a coarser one.
    """
    known: list[tuple[float, float]] = []
    for probe in sorted(probes, reverse=True):
        rung = ladder[probe.rung]
        sure = probe.loss > SURE * probe.unsure
        if sure or not known:
            slope = max(probe.loss, probe.unsure, 1e-12) / max(rung.error, 1e-30)
        known.append((math.log(rung.step), slope))
    known.reverse()
    losses = [r.error * _between(known, math.log(r.step)) for r in ladder]
    lowest = list(itertools.accumulate(losses[::-1], min))[::-1]
    return [
        Point(ratio * r.coded, loss + TIE * r.error) for r, loss in zip(ladder, lowest, strict=True)
    ]


def _between(known: Sequence[tuple[float, float]], at: float) -> float:
    """Return the value at ``at``, linear between known places and level outside them."""
    if at <= known[0][0]:
        return known[0][1]
    for (low, first), (high, second) in itertools.pairwise(known):
        if at <= high:
            return first + (second - first) * (at - low) / (high - low)
    return known[-1][1]


def allot(curves: Sequence[Sequence[Point]], budget: float) -> list[int]:
    """Return a rung for each role: the least loss that ``budget`` bytes allow.

    Starts from the smallest rungs, and takes the steps along each role's hull that save most
    loss per byte for as long as they fit. Where nothing fits, the smallest rungs are returned.
    """
    hulls = [_hull(points) for points in curves]
    chosen = [0] * len(hulls)
    taken = sum(points[hull[0]].bytes for points, hull in zip(curves, hulls, strict=True))
    moves = [
        ((points[a].loss - points[b].loss) / (points[b].bytes - points[a].bytes), role, place)
        for role, (points, hull) in enumerate(zip(curves, hulls, strict=True))
        for place, (a, b) in enumerate(itertools.pairwise(hull))
    ]
    for _, role, place in sorted(moves, key=lambda m: (-m[0], m[1:])):
        points, hull = curves[role], hulls[role]
        more = points[hull[place + 1]].bytes - points[hull[place]].bytes
        if taken + more > budget:
            break
        taken += more
        chosen[role] = place + 1
    return [hull[place] for hull, place in zip(hulls, chosen, strict=True)]


def _hull(points: Sequence[Point]) -> list[int]:
    """Return the points on the lower convex hull, fewest bytes first, down to the least loss."""
    kept: list[int] = []
    for i in sorted(range(len(points)), key=lambda i: (points[i].bytes, points[i].loss)):
        if kept and points[i].loss >= points[kept[-1]].loss:
            continue
        while len(kept) > 1 and _above(points[kept[-2]], points[kept[-1]], points[i]):
            kept.pop()
        kept.append(i)
    return kept


def _above(a: Point, b: Point, c: Point) -> bool:
    """Say whether ``b`` is on or above the line from ``a`` to ``c``."""
    return (b.loss - a.loss) * (c.bytes - a.bytes) >= (c.loss - a.loss) * (b.bytes - a.bytes)


def bytes_per_octave(ladder: Sequence[Rung], rung: Rung) -> float:
    """Return about how many bytes of entropy twice the step of a rung saves."""
    fine, coarse = (ladder[nearest(ladder, rung.step * 2**half)] for half in (-0.5, 0.5))
    octaves = math.log2(coarse.step / fine.step) or 1.0
    return (fine.coded - coarse.coded) / octaves


def scaled(rung: Rung, octaves: float) -> Rung:
    """Return a rung with its clip, hence its step, times 2^octaves, within the steps there are."""
    finest, coarsest = min(rung.step, STEPS[0]), max(rung.step, STEPS[-1])
    step = min(max(rung.step * 2**octaves, finest), coarsest)
    clip = round(step * levels(rung.bits), 4)
    return rung._replace(clip=clip, step=clip / levels(rung.bits))


def land(size: Callable[[float], int], most: int, per_octave: float) -> float:
    """Return by how many octaves all steps are to be coarser for a file just under ``most`` bytes.

    Tries files until one takes between ``most`` less ``CLOSE`` and ``most``; else the largest
    that fits is taken, and the smallest where none does.

    Args:
        size: bytes of the file at so many octaves; the more, the fewer bytes, by and large.
        most: bytes that the file may have.
        per_octave: about how many bytes an octave saves.
    """
    tried: dict[float, int] = {}
    aim, at = most * (1 - CLOSE / 2), 0.0
    while len(tried) < MOST_FILES and at not in tried:
        tried[at] = found = size(at)
        if most * (1 - CLOSE) <= found <= most:
            return at
        at = _next(tried, at, aim, most, per_octave)
    fits = [o for o, s in tried.items() if s <= most]
    return max(fits, key=tried.__getitem__) if fits else min(tried, key=tried.__getitem__)


def _next(tried: Mapping[float, int], at: float, aim: float, most: int, per_octave: float) -> float:
    """Return where to try next: between the closest on both sides, or on along the slope."""
    low = max((o for o, s in tried.items() if s > most), default=None)
    high = min((o for o, s in tried.items() if s <= most), default=None)
    if low is None or high is None or low > high:
        before = list(tried)[-2:-1] or [at]
        drop = tried[before[0]] - tried[at]
        slope = drop / (at - before[0]) if drop else per_octave
        return at + (tried[at] - aim) / (slope if slope > 0 else per_octave)
    share = (tried[low] - aim) / (tried[low] - tried[high])
    return low + (high - low) * min(max(share, MARGIN), 1 - MARGIN)
