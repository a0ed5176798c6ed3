"""What is left to do: pending nodes, and the jobs that work through them.

A node is the unit of truth and of reuse; a job is the unit of launch: the pending nodes that
hang from one training, worked through by one warm process group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from golf.frozen import Frozen
from golf.plan.graph import Cell, Node, Plan
from golf.records import NodeId, stands, unfinished

NEVER = "never run"


class Job(Frozen):
    """The nodes that one torchrun works through, inputs before what needs them.

    Attributes:
        label: the row and seed that the job is first needed for.
        nodes: pending nodes, and finished ones below them that may turn out to be stale;
            the workshop skips those that stand when their turn comes.
    """

    label: str
    nodes: tuple[Node, ...]

    @property
    def key(self) -> str:
        return self.nodes[0].training.key


def pending(plan: Plan) -> set[str]:
    """Return the keys of the nodes that have to run."""
    sources = {n.id: n.weights.id if n.weights else None for n in plan.nodes.values()}
    return {key for _, key in unfinished(plan.paths, sources, plan.rows.launch.audit)}


def reason(plan: Plan, node: Node) -> str:
    """Say why a pending node has to run."""
    paths = plan.node_paths(node)
    if paths.result.exists():
        done = stands(plan.paths, *node.id)
        return "its file was cleaned away" if done else "its input has changed"
    if paths.failed.exists():
        return "it failed before"
    return "it was interrupted" if paths.spec.exists() else NEVER


def reasons(plan: Plan, nodes: Iterable[Node], todo: set[str], here: set[NodeId]) -> dict[str, int]:
    """Return how many of the unique nodes have to run for each reason.

    Args:
        plan: the plan.
        nodes: some of its nodes.
        todo: the keys of those that have to run.
        here: the nodes that have a folder.
    """
    unique = {n.key: n for n in nodes if n.key in todo}
    return dict(Counter(reason(plan, n) if n.id in here else NEVER for n in unique.values()))


def counts(nodes: Iterable[Node], todo: set[str]) -> dict[str, int]:
    """Return how many unique nodes have to run and how many are reused."""
    keys = {n.key for n in nodes}
    return {"run": len(keys & todo), "reuse": len(keys - todo)}


def jobs(plan: Plan, todo: set[str]) -> list[Job]:
    """Return the jobs that do ``todo``, in table order, seed by seed."""
    groups: dict[str, list[Node]] = {}
    labels: dict[str, str] = {}
    for cell in _seed_by_seed(plan):
        for node in cell.nodes():
            chain = _with_inputs(node)
            if any(n.key in todo for n in chain):
                group = groups.setdefault(node.training.key, [])
                group += [node] if node not in group else []
                labels.setdefault(node.training.key, f"{cell.row.name} · seed {cell.seed}")
    return [Job(labels[key], tuple(group)) for key, group in groups.items()]


def _seed_by_seed(plan: Plan) -> list[Cell]:
    """Order cells so that a first seed of every row is there before any second one."""
    order = {seed: i for i, seed in enumerate(plan.rows.seeds)}
    return sorted(plan.cells, key=lambda c: order[c.seed])


def _with_inputs(node: Node) -> list[Node]:
    return [node, *(_with_inputs(node.weights) if node.weights else [])]
