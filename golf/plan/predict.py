"""How long pending nodes will take, told from finished nodes on this kind of device.

A training with a budget in seconds takes that; one that differs from a finished one in its seeds
only takes what that took. Otherwise time grows with the floating-point operations of the work:
those of a token, times the tokens of a training, times the targets and passes of a score. The rate
is that of finished nodes of the same stage, and kind if there are any, that are nearest in size.
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


class Seen(Frozen):
    """A finished node.

    Attributes:
        work: floating-point operations per token of its model, times the tokens.
        busy_s: seconds that grow with the work.
        rest_s: seconds beside them: compiling, reading, writing.
    """

    spec: Mapping[str, Any]
    work: float
    busy_s: float
    rest_s: float


class Observations:
    """Finished nodes on this kind of device."""

    def __init__(self, plan: Plan) -> None:
        launch, machine = plan.rows.launch, plan.rows.machine
        device = device_of(launch, machine)
        name = machine.gpu_name if device == "cuda" else machine.cpu_name
        here = {"device": name, "device_type": device, "world_size": launch.nproc_per_node}
        results = all_results(plan.paths)
        self.seen: dict[str, list[Seen]] = {}
        self.targets: dict[object, float] = {}  # of whole splits, by dataset
        for result in results.values():
            alike = all(result.environment.get(k) == v for k, v in here.items())
            training = training_of(result, results)
            if alike and training and "wall_s" in result.measures:
                tokens = self._observed_tokens(result, training.spec)
                work = training.measures["flops_per_token"] * tokens
                wall = result.measures["wall_s"]
                busy = result.measures.get("train_s", wall)
                seen = Seen(result.spec, work, busy, wall - busy)
                self.seen.setdefault(result.stage, []).append(seen)

    @property
    def number(self) -> int:
        return sum(map(len, self.seen.values()))

    def seconds(self, node: Node, flops_per_token: int) -> float | None:
        """Return how long a node will take; None when nothing like it was seen."""
        if node.stage is Stage.TRAIN:
            return self._training(node, flops_per_token)
        seen, training = self._of(node), node.training.spec
        same = [s for s in seen if s.spec == dict(node.spec)]
        alike = [s for s in seen if kind(s.spec) == kind(node.spec)]
        tokens = self._tokens(node.stage, node.spec, training, self._targets(node.spec, training))
        return _scaled(same or alike or seen, flops_per_token * tokens)

    def _observed_tokens(self, result: Result, training: Mapping[str, Any]) -> float:
        scored = result.measures.get("scored_targets", 1)
        if "scored_targets" in result.measures and not result.spec.get("eval.max_tokens"):
            self.targets[training["data.dataset"]] = scored
        return result.measures.get("tokens") or self._tokens(
            result.stage, result.spec, training, scored
        )

    def _targets(self, spec: Mapping[str, Any], training: Mapping[str, Any]) -> float:
        """Return how many targets a node will score; those of the largest split where unknown."""
        whole = self.targets.get(training["data.dataset"], max(self.targets.values(), default=1))
        return float(spec.get("eval.max_tokens") or whole)

    @staticmethod
    def _tokens(
        stage: str, spec: Mapping[str, Any], training: Mapping[str, Any], targets: float
    ) -> float:
        return passes(spec, training) * targets if stage in SCORING else 1

    def _training(self, node: Node, flops_per_token: int) -> float | None:
        spec = _without_seeds(node.spec)
        twins = [s.busy_s + s.rest_s for s in self._of(node) if _without_seeds(s.spec) == spec]
        if twins:
            return statistics.fmean(twins)
        seconds, steps = node.spec.get("train.seconds"), node.spec.get("train.steps")
        if isinstance(seconds, float):
            return seconds + _rest(self._of(node))
        batch = node.spec["train.batch_tokens"]
        assert isinstance(steps, int)
        assert isinstance(batch, int)
        return _scaled(self._of(node), flops_per_token * steps * batch)

    def _of(self, node: Node) -> list[Seen]:
        return self.seen.get(str(node.stage), [])


def _without_seeds(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {n: v for n, v in spec.items() if n not in SEEDS}


def _scaled(seen: list[Seen], work: float) -> float | None:
    """Return the time of ``work`` at the median rate of the nodes that are nearest in size."""
    if not seen:
        return None
    near = sorted(seen, key=lambda s: abs(math.log(s.work / work)))[:NEAREST]
    return work * statistics.median(s.busy_s / s.work for s in near) + _rest(near)


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
    return Estimate(rows, total, max(1, min(slots, trainings)), observed.number, seconds)
