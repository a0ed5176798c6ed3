"""How long pending nodes will take, told from finished nodes on this kind of device.

A training with a budget in seconds takes that; one that differs from a finished one in its seeds
only takes what that took. Otherwise time is start-up, which is the same for every node, and what
grows with the floating-point operations of the work. Work repeats a unit: the tokens of a step,
step by step; the targets of a text, pass by pass. Small units tell nothing of large ones, for
their time is all overhead. The rate is that of finished nodes of the same stage, and kind if there
are any, that are nearest in size.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from typing import Any

from golf.config.knob import Stage
from golf.config.machine import device_of
from golf.frozen import Frozen
from golf.plan.cost import Counts, Estimate
from golf.plan.effort import kind, passes
from golf.plan.graph import Node, Plan
from golf.plan.results import all_results, training_of
from golf.records import SCORING, Result

SEEDS = ("train.seed", "train.data_seed")
NEAREST = 5  # finished nodes that a rate is the median of
FAR = math.log(30)  # the distance from which on a node tells nothing
CLOSE = math.log(4)  # how much farther than the nearest one a node may be to tell as well
CLOCKS = ("train_s", "quantize_s", "eval_s", "ttt_s")


class Work(Frozen):
    """What a node computes.

    Attributes:
        unit: floating-point operations of what it repeats.
        times: how often.
    """

    unit: float
    times: float = 1.0

    @property
    def whole(self) -> float:
        return self.unit * self.times

    def distance(self, other: Work) -> float:
        """Return how far apart two works are; repetitions count a quarter, units in full."""
        times = abs(math.log(self.times / other.times))
        return abs(math.log(self.unit / other.unit)) + times / 4


class Seen(Frozen):
    """A finished node.

    Attributes:
        work: what it computed.
        busy_s: seconds that grow with the work.
        rest_s: seconds beside them: compiling, reading, writing.
    """

    key: str
    spec: Mapping[str, Any]
    work: Work
    busy_s: float
    rest_s: float


class Observations:
    """Finished nodes on this kind of device.

    Attributes:
        told: keys of those that a prediction came from.
    """

    def __init__(self, plan: Plan) -> None:
        launch, machine = plan.rows.launch, plan.rows.machine
        device = device_of(launch, machine)
        name = machine.gpu_name if device == "cuda" else machine.cpu_name
        here = {"device": name, "device_type": device, "world_size": launch.nproc_per_node}
        results = all_results(plan.paths)
        self.seen: dict[str, list[Seen]] = {}
        self.targets: dict[object, float] = {}  # of whole splits, by dataset
        self.told: set[str] = set()
        for result in results.values():
            alike = all(result.environment.get(k) == v for k, v in here.items())
            training = training_of(result, results)
            if alike and training and "wall_s" in result.measures:
                work = self._observed(result, training)
                wall = result.measures["wall_s"]
                busy = next((result.measures[c] for c in CLOCKS if c in result.measures), wall)
                seen = Seen(result.key, result.spec, work, busy, wall - busy)
                self.seen.setdefault(result.stage, []).append(seen)

    def seconds(self, node: Node, flops_per_token: int) -> float | None:
        """Return how long a node will take; None when nothing like it was seen."""
        if node.stage is Stage.TRAIN:
            return self._training(node, flops_per_token)
        if node.stage not in SCORING:
            return self._scaled(node, Work(flops_per_token))
        training = node.training.spec
        targets = self._targets(node.spec, training)
        if targets is None:
            return None
        return self._scaled(node, Work(flops_per_token * targets, passes(node.spec, training)))

    def _observed(self, result: Result, training: Result) -> Work:
        flops, measures = training.measures["flops_per_token"], result.measures
        if result.stage == Stage.TRAIN:
            batch = result.spec["train.batch_tokens"]
            return Work(flops * batch, measures["tokens"] / batch)
        if result.stage not in SCORING:
            return Work(flops)
        scored = measures["scored_targets"]
        if not result.spec.get("eval.max_tokens"):
            self.targets[training.spec["data.dataset"]] = scored
        return Work(flops * scored, passes(result.spec, training.spec))

    def _targets(self, spec: Mapping[str, Any], training: Mapping[str, Any]) -> float | None:
        """Return how many targets a node will score; those of the largest split where unknown."""
        most = max(self.targets.values(), default=None)
        return spec.get("eval.max_tokens") or self.targets.get(training["data.dataset"], most)

    def _training(self, node: Node, flops_per_token: int) -> float | None:
        spec = _without_seeds(node.spec)
        twins = [s for s in self._of(node) if _without_seeds(s.spec) == spec]
        if twins:
            self.told |= {s.key for s in twins}
            return statistics.fmean(s.busy_s + s.rest_s for s in twins)
        seconds, steps = node.spec.get("train.seconds"), node.spec.get("train.steps")
        if isinstance(seconds, float):
            return seconds + _rest(self._of(node))
        batch = node.spec["train.batch_tokens"]
        assert isinstance(steps, int)
        assert isinstance(batch, int)
        return self._scaled(node, Work(flops_per_token * batch, steps))

    def _scaled(self, node: Node, work: Work) -> float | None:
        """Return the time of ``work`` at the median rate of the nodes that are nearest in size."""
        near = sorted(self._near(node, work), key=lambda s: s.work.distance(work))[:NEAREST]
        if not near:
            return None
        self.told |= {s.key for s in near}
        return work.whole * statistics.median(s.busy_s / s.work.whole for s in near) + _rest(near)

    def _near(self, node: Node, work: Work) -> list[Seen]:
        """Return the nodes that tell about ``work``: of its kind, and of its settings, if any."""
        near = [s for s in self._of(node) if s.work.distance(work) < FAR]
        near = [s for s in near if kind(s.spec) == kind(node.spec)] or near
        nearest = min((s.work.distance(work) for s in near), default=0.0)
        close = [s for s in near if s.work.distance(work) <= nearest + CLOSE]
        return [s for s in close if s.spec == dict(node.spec)] or close

    def _of(self, node: Node) -> list[Seen]:
        return self.seen.get(str(node.stage), [])


def _without_seeds(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {n: v for n, v in spec.items() if n not in SEEDS}


def _rest(seen: list[Seen]) -> float:
    return statistics.median(s.rest_s for s in seen) if seen else 0.0


def estimate(plan: Plan, todo: set[str], models: Counts, slots: int) -> Estimate:
    """Predict the pending nodes of a plan."""
    observed = Observations(plan)
    left = set(todo)
    rows: dict[str, float | None] = {}
    seconds: dict[str, float] = {}
    for row in plan.rows.rows:
        nodes = {n.key: n for c in plan.cells_of(row) for n in c.nodes() if n.key in left}
        flops = models[row.name]["flops_per_token"]
        times = {key: observed.seconds(node, flops) for key, node in nodes.items()}
        known = {key: t for key, t in times.items() if t is not None}
        rows[row.name] = math.fsum(known.values()) if len(known) == len(times) else None
        seconds |= known
        left -= nodes.keys()
    known_rows = [t for t in rows.values() if t is not None]
    total = math.fsum(known_rows) if len(known_rows) == len(rows) else None
    trainings = len({n.training.key for n in plan.nodes.values() if n.key in todo})
    return Estimate(rows, total, max(1, min(slots, trainings)), len(observed.told), seconds)
