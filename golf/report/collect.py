"""A plan and its results to a study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from golf.config.knob import Value
from golf.config.schema import KNOBS, relevant
from golf.files import read_json
from golf.plan.graph import Cell, Node, Plan
from golf.plan.row import Row, Rows
from golf.plan.shelf import Columns, Found, Shelf
from golf.plan.stack import BUDGET
from golf.plan.taught import untaught
from golf.report.scoring import scoring_lines
from golf.report.study import (
    ARTIFACT_MEASURES,
    CONDITIONS,
    SCORES,
    TRAIN_MEASURES,
    Curve,
    Failure,
    Line,
    Study,
    StudyRow,
)
from golf.report.tables.shape import signed


class Results:
    """The results of a plan's nodes; every file is read once."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.shelf = Shelf(plan.paths)
        self.read: dict[str, Found | None] = {}
        self.standing: dict[str, Found | None] = {}
        self.told: dict[tuple[int, ...], dict[str, str]] = {}

    def _on_disk(self, name: str) -> Found | None:
        if name not in self.read:
            self.read[name] = self.shelf.read(name)
        return self.read[name]

    def of(self, node: Node) -> Found | None:
        """Return a node's result unless it is missing or was made from what changed since."""
        return self._standing(node.name)

    def _standing(self, name: str) -> Found | None:
        if name not in self.standing:
            self.standing[name] = self._unless_stale(name)
        return self.standing[name]

    def _unless_stale(self, name: str) -> Found | None:
        result = self._on_disk(name)
        for source, output in result.inputs.items() if result else ():
            now = self._on_disk(source)
            if now and (now.output_sha256 != output or not self._standing(source)):
                return None
        return result

    def curve(self, train: Node) -> Columns | None:
        return self.shelf.curve(train.name) if self.of(train) else None

    def conditions(self, found: Sequence[Found]) -> dict[str, str]:
        """Return what numbers were made with; where the stages of a cell differ, all of it."""
        abouts = [about for r in found for about in (r.environment, r.facts)]
        same = tuple(map(id, abouts))  # results of one kind share what is said of them
        if same not in self.told:
            known: dict[str, set[str]] = {}
            for about in abouts:
                for name in about.keys() & CONDITIONS:
                    if about[name] is not None:
                        known.setdefault(name, set()).add(str(about[name]))
            told = {name: " and ".join(sorted(known[name])) for name in CONDITIONS if name in known}
            self.told[same] = told
        return self.told[same]


def collect(plan: Plan, again: Sequence[str] = ()) -> Study:
    """Return the study of a plan; what is not there yet is missing (None).

    Args:
        plan: the matrix as it was run.
        again: the lines that repeat it.
    """
    results = Results(plan)
    cells = {(c.row.name, c.seed): c for c in plan.cells}
    lines = tuple(_line(results, cell) for cell in plan.cells)
    results.shelf.keep()

    def curve(row: str, seed: int) -> Curve | None:
        return _curve(results, cells[row, seed].train)

    return Study(
        name=plan.variant,
        question=plan.rows.matrix.question,
        rows=tuple(_row(row, plan.cells_of(row)[0]) for row in plan.rows.rows),
        lines=lines,
        header=_header(plan, lines),
        commands=tuple(again),
        failures=tuple(_failures(results, lines)),
        notes=tuple(_notes(plan, results)),
        scoring=tuple(scoring_lines(plan, results.of)),
        decisions=tuple(line for outcome in plan.outcomes for line in outcome.lines()),
        ruled=plan.ruled,
        budgets=_budgets(plan.rows),
        wallclock_budget=plan.rows.rows[0].values["train.seconds"] is not None,
        curve=curve,
    )


def _notes(plan: Plan, results: Results) -> Iterator[str]:
    """Yield what is not run yet, and where test-time training fell short."""
    yield from (f"Not run yet: {', '.join(w.rows)}; {w.reason}." for w in plan.waiting)
    yield from (f"{text[0].upper()}{text[1:]}." for text in untaught(plan, results.of))


def _row(row: Row, cell: Cell) -> StudyRow:
    settings = relevant(row.values)
    about = row.about
    delta = "" if about.expect.delta is None else signed(about.expect.delta)
    return StudyRow(
        name=row.name,
        change=row.change,
        parent=row.parent,
        note=row.note,
        expect=", ".join(filter(None, (delta, about.expect.outcome))),
        why=about.why,
        priority=about.priority,
        tags=", ".join(about.tags),
        settings=settings,
        own={n: settings[n] for n in row.own if n in settings},
        scores=SCORES if cell.ttt else SCORES[:2],
    )


def _line(results: Results, cell: Cell) -> dict[str, Any]:
    of = results.of
    train, artifact = of(cell.train), of(cell.quantize)
    scored = {"pre": [*map(of, cell.pre.values())], "post": [*map(of, cell.post.values())]}
    pre = scored["pre"][0]
    ttt = of(cell.ttt) if cell.ttt else None
    found = [train, *scored["pre"], artifact, *scored["post"], *([ttt] if cell.ttt else [])]
    found += [of(node) for other in cell.also.values() for node in other.nodes()]
    line: dict[str, Any] = {
        "row": cell.row.name,
        "seed": cell.seed,
        "complete": all(found),
        **_measures(train, TRAIN_MEASURES),
        **_measures(artifact, ARTIFACT_MEASURES),
        **_measures(pre, ("scored_bytes", "scored_targets", "eval_s")),
        **_measures(artifact, ("quantize_s",)),
        **_measures(ttt, ("ttt_s",)),
    }
    for kind, ways in scored.items():
        for i, (geometry, result) in enumerate(zip(cell.pre, ways, strict=True)):
            line[f"{kind}_bpb" + (f" {geometry}" if i else "")] = _bpb(result)
    line["ttt_bpb"] = _bpb(ttt)
    for budget, other in cell.also.items():
        line |= {f"{n} {budget}": v for n, v in _second(results, other).items()}
    line.update(results.conditions([r for r in found if r]))
    return line


def _second(results: Results, cell: Cell) -> dict[str, float | None]:
    """Return what a report tells of a cell under the second budget."""
    first = [next(iter(nodes.values())) for nodes in (cell.pre, cell.post)]
    scored = (*first, *([cell.ttt] if cell.ttt else []))
    scores = dict(zip(SCORES, map(_bpb, map(results.of, scored)), strict=False))
    return {**scores, **_measures(results.of(cell.train), ("steps", "train_s"))}


def _measures(result: Found | None, names: Sequence[str]) -> dict[str, float | None]:
    measures = result.measures if result else {}
    return {name: measures.get(name) for name in names}


def _bpb(result: Found | None) -> float | None:
    return result.measures.get("bpb") if result else None


def _curve(results: Results, train: Node) -> Curve | None:
    columns = results.curve(train)
    if columns is None:
        return None
    batch = train.spec["train.batch_tokens"]
    assert isinstance(batch, int)
    tokens = [step * batch for step in columns["step"]]
    return Curve(columns["step"], columns["loss"], columns["train_s"], tokens)


def _failures(results: Results, lines: Sequence[Line]) -> list[Failure]:
    found = []
    cells = [c for c, line in zip(results.plan.cells, lines, strict=True) if not line["complete"]]
    for cell in cells:
        for node in cell.nodes():
            if results.of(node) is None:
                told = read_json(results.plan.node_paths(node).failed)
                if told:
                    error = str(told.get("error", "failed"))
                    found.append(Failure(cell.row.name, cell.seed, str(node.stage), error))
    return found


def _header(plan: Plan, lines: Sequence[Line]) -> dict[str, str]:
    rows, first = plan.rows, plan.rows.rows[0]
    values = first.values
    budget = ", and again ".join(_budget(r.values) for r in (first, *first.also.values()))
    facts = {
        "Corpus": f"{values['data.dataset']}, vocabulary {values['data.vocab_size']:,}",
        "Validation": f"scored {next(iter(plan.cells[0].pre))}"
        + _listed(lines, "counting", ", bytes counted {}")
        + _listed(lines, "val_sha256", ", sha256 {:.12}"),
        "Budget": budget + (f", profile {rows.profile}" if rows.profile else ""),
        "Changed by --set": ", ".join(f"{n} {s.value}" for n, s in rows.overrides.items()),
        "Seeds": ", ".join(map(str, rows.seeds)),
        "Device": _listed(lines, "device", "{}") + _listed(lines, "world_size", " × {}"),
        "Versions": _listed(lines, "golf", "golf {}")
        + _listed(lines, "torch", ", torch {}")
        + _listed(lines, "python", ", Python {}"),
        "Commit": _commits(lines),
    }
    if values["eval.max_tokens"]:
        facts["Validation"] += f", first {values['eval.max_tokens']:,} targets only"
    return {name: text for name, text in facts.items() if text}


def _budget(values: Mapping[str, Value]) -> str:
    if values["train.steps"]:
        return f"{values['train.steps']} steps of {values['train.batch_tokens']:,} tokens"
    return f"{values['train.seconds']:g} seconds"


def _budgets(rows: Rows) -> tuple[str, ...]:
    """Return the two budgets as the file names them, the leading one first."""
    second = tuple(rows.rows[0].also)
    lead = (KNOBS[n].leaf for n in rows.matrix.baseline if KNOBS[n].exclusive == BUDGET)
    return (*lead, *second) if second else ()


def _listed(lines: Sequence[Mapping[str, Any]], column: str, form: str) -> str:
    """Return every value that occurs, so that a mixed table shows that it is mixed."""
    found = sorted({line[column] for line in lines if line.get(column)})
    return " and ".join(form.format(v) for v in found)


def _commits(lines: Sequence[Line]) -> str:
    pairs = {(line["commit"], line.get("dirty")): None for line in lines if line.get("commit")}
    dirty = " with uncommitted changes"
    return ", ".join(f"{c[:12]}{dirty if 'True' in str(d) else ''}" for c, d in pairs)
