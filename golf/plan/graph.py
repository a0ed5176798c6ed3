"""Rows to work: which stage nodes a matrix needs, each named by what it depends on.

A node's key is a hash of its stage's knobs and of the keys of its inputs. Rows that agree on
the train knobs share a train key, hence one folder, hence one training. There is no cache to
manage: finished work is a folder whose name we were about to write.

    train --+--> evaluate          pre
            +--> quantize --+--> evaluate    post
                            +--> ttt         ttt
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from golf.config.knob import Stage, Value
from golf.files import canonical_json, content_key, text_key
from golf.frozen import Frozen
from golf.plan.row import Row, Rows
from golf.records import NodeId, NodePaths, NodeSpec, RunPaths

if TYPE_CHECKING:
    from golf.plan.outcome import Outcome, Waiting
    from golf.plan.sequential import Ruled

# Bumped by hand when the numbers that a stage produces change; the golden test says when.
RECIPE = {"data": 1, "train": 2, "quantize": 2, "evaluate": 1, "ttt": 2}


class Dataset(Frozen):
    """A prepared dataset; its key is its recipe, so planning needs no build."""

    spec: Mapping[str, Any]

    @cached_property
    def key(self) -> str:
        hashed = {n: v for n, v in self.spec.items() if n not in ("folder", "tokenizer")}
        return content_key(["data", RECIPE["data"], hashed])


class Spec(dict[str, Value]):
    """The settings of a node; many nodes hash the same ones, whose JSON is written once."""

    @cached_property
    def json(self) -> str:
        return canonical_json(self)


def node_key(stage: Stage, spec: Spec, source: str) -> str:
    """Return the hash of ``[stage, recipe, spec, [key of the input]]`` as canonical JSON."""
    return text_key(f'["{stage}",{RECIPE[stage]},{spec.json},["{source}"]]')


class Node(Frozen):
    """One stage with its resolved knobs and inputs; the unit of reuse.

    Attributes:
        spec: the only values that the stage may see.
        inputs: the node whose output this one reads, by role (``weights``).
    """

    stage: Stage
    spec: Spec
    dataset: Dataset
    weights: Node | None = None

    @cached_property
    def key(self) -> str:
        source = self.weights.key if self.weights else self.dataset.key
        return node_key(self.stage, self.spec, source)

    @property
    def id(self) -> NodeId:
        return str(self.stage), self.key

    @property
    def name(self) -> str:
        """Return ``STAGE/KEY``, under which results name what they read."""
        return f"{self.stage}/{self.key}"

    @property
    def training(self) -> Node:
        return self.weights.training if self.weights else self

    def record(self, runtime: Mapping[str, Any]) -> NodeSpec:
        """Return what the workshop reads from ``spec.json``."""
        return NodeSpec(
            stage=str(self.stage),
            key=self.key,
            recipe=RECIPE[self.stage],
            spec=dict(self.spec),
            dataset=self.dataset.key,
            weights=list(self.weights.id) if self.weights else None,
            runtime=dict(runtime),
        )


class Cell(Frozen):
    """The nodes of one row and one seed; evaluations by name of the geometry.

    Attributes:
        also: the same row and seed under the matrix's further budgets, by their names.
    """

    row: Row
    seed: int
    train: Node
    pre: Mapping[str, Node]
    quantize: Node
    post: Mapping[str, Node]
    ttt: Node | None
    also: Mapping[str, Cell] = field(default_factory=dict)

    def nodes(self) -> Iterator[Node]:
        """Yield every node of the cell, inputs before what needs them."""
        yield self.train
        yield from self.pre.values()
        yield self.quantize
        yield from self.post.values()
        if self.ttt:
            yield self.ttt
        for cell in self.also.values():
            yield from cell.nodes()


class Plan(Frozen):
    """Every cell of a matrix and the unique nodes behind them.

    Attributes:
        variant: the matrix's name, with what the command line changed: names the report.
        outcomes: what was decided so far.
        waiting: rows that are not known yet.
        before: plans of other matrices whose winners are waited for.
        ruled: what the rule for seeds says; None without one.
    """

    rows: Rows
    cells: tuple[Cell, ...]
    paths: RunPaths
    variant: str
    outcomes: tuple[Outcome, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    before: tuple[Plan, ...] = ()
    ruled: Ruled | None = None

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """Return the unique nodes by key, inputs before what needs them."""
        return {n.key: n for c in self.cells for n in c.nodes()}

    @cached_property
    def _by_row(self) -> dict[str, list[Cell]]:
        found: dict[str, list[Cell]] = {}
        for cell in self.cells:
            found.setdefault(cell.row.name, []).append(cell)
        return found

    def cells_of(self, row: Row) -> list[Cell]:
        return self._by_row.get(row.name, [])

    def node_paths(self, node: Node) -> NodePaths:
        return self.paths.node(*node.id)
