"""Rows to cells: the nodes of every row and seed; what rows or seeds share is made once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from golf.config.datasets import find_dataset
from golf.config.knob import Stage, Value, Values
from golf.config.machine import Launch, Machine, numerics
from golf.config.schema import KNOBS, spec_for
from golf.files import canonical_json
from golf.frozen import Frozen
from golf.plan.graph import Cell, Dataset, Node, Plan, Spec
from golf.plan.recall import Recalled
from golf.plan.row import Row, Rows
from golf.records import RunPaths

BLANKS = {name: f"\0{name}" for name in ("train.seed", "train.data_seed")}
HOLES = {name: canonical_json(blank) for name, blank in BLANKS.items()}


class Place(Frozen):
    """Where and how cells run: what enters keys beside the rows' values."""

    launch: Launch
    machine: Machine
    root: Path


def plan_matrix(rows: Rows, root: Path, variant: str) -> Plan:
    """Return the plan of ``rows`` in the project at ``root``.

    Raises:
        GolfError: a dataset that cannot be found.
    """
    maker = CellMaker(Place(rows.launch, rows.machine, root))
    cells = (cell for row in rows.rows for cell in maker.cells(row, row.seeds))
    return Plan(rows, tuple(cells), RunPaths(root), variant)


class CellMaker:
    """Makes the cells of rows that run in one place."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._dataset = Recalled(lambda values: _dataset(values, place.root))
        self._quantizing = Recalled(lambda values: Spec(spec_for(values, Stage.QUANTIZE)))
        self._scorings = Recalled(_scorings)
        self._adapting = Recalled(_adapting)

    def cells(self, row: Row, seeds: Iterable[int]) -> Iterator[Cell]:
        """Yield the nodes of one row for each seed.

        Raises:
            GolfError: a dataset that cannot be found.
        """
        seeds, values = tuple(seeds), row.values
        dataset, quantizing = self._dataset(values), self._quantizing(values)
        scorings, adapting = self._scorings(values), self._adapting(values)
        also = {b: self.cells(other, seeds) for b, other in row.also.items()}
        for seed, training in zip(seeds, self._trainings(row, seeds, dataset), strict=True):
            train = Node(Stage.TRAIN, training, dataset, None)
            quantize = Node(Stage.QUANTIZE, quantizing, dataset, train)
            pre = {g: Node(Stage.EVALUATE, s, dataset, train) for g, s in scorings.items()}
            post = {g: Node(Stage.EVALUATE, s, dataset, quantize) for g, s in scorings.items()}
            ttt = Node(Stage.TTT, adapting, dataset, quantize) if adapting else None
            others = {budget: next(cells) for budget, cells in also.items()}
            yield Cell(row, seed, train, pre, quantize, post, ttt, others)

    def _trainings(self, row: Row, seeds: Iterable[int], dataset: Dataset) -> Iterator[Spec]:
        """Yield the settings of a row's trainings; their JSON differs in the seeds alone."""
        launch, machine = self.place.launch, self.place.machine
        fixed = spec_for(row.values, Stage.TRAIN) | numerics(launch, machine, row.values)
        fixed["data.dataset"] = dataset.spec["fingerprint"]
        form = canonical_json({n: BLANKS.get(n, v) for n, v in fixed.items()})
        for seed in seeds:
            seeded = {n: v for n, v in row.seeds_for(seed).items() if n in fixed}
            spec = Spec(fixed)
            spec |= seeded
            spec.json = form
            for name, value in seeded.items():
                spec.json = spec.json.replace(HOLES[name], str(value))
            yield spec


def _scorings(values: Values) -> dict[str, Spec]:
    """Return the settings of every way to score, by the name of its geometry."""
    scoring, geometries = _scoring(values)
    return {g: Spec({**scoring, "eval.geometry": g}) for g in geometries}


def _scoring(values: Values) -> tuple[dict[str, Value], tuple[str, ...]]:
    """Return what all ways to score share, and the names of their geometries."""
    spec = spec_for(values, Stage.EVALUATE)
    geometries = spec.pop("eval.geometries")
    assert isinstance(geometries, tuple)
    return spec, geometries


def _adapting(values: Values) -> Spec | None:
    """Return the spec of test-time training; adapters follow documents, SGD a geometry."""
    if values["ttt.method"] == KNOBS["ttt.method"].off:
        return None
    scoring, (first, *_) = _scoring(values)
    spec = Spec({**spec_for(values, Stage.TTT), **scoring})
    given = spec.pop("ttt.geometry", None)
    if values["ttt.method"] != "lora":
        spec["eval.geometry"] = given or first
    return spec


def _dataset(values: Mapping[str, Value], root: Path) -> Dataset:
    name, vocab_size = values["data.dataset"], values["data.vocab_size"]
    assert isinstance(name, str)
    assert isinstance(vocab_size, int)
    found = find_dataset(name, vocab_size, root)
    return Dataset(
        {
            "corpus": None if found.folder else name,
            "fingerprint": found.fingerprint,
            "vocab_size": vocab_size,
            "seq_len": values["train.seq_len"] if found.folder else None,
            "folder": str(found.folder) if found.folder else None,
            "tokenizer": str(found.tokenizer) if found.tokenizer else None,
            **({"caseops": True} if values["data.caseops"] else {}),
        }
    )
