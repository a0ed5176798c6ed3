"""What is submitted: a row, its seeds, their results, and the script that is shipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from golf.errors import fail
from golf.files import file_sha256
from golf.freeze.command import script_of
from golf.frozen import Frozen
from golf.plan.graph import Cell, Node, Plan
from golf.plan.ledger import Options
from golf.plan.row import Row
from golf.plan.shelf import Found
from golf.plan.show import cell_of
from golf.report.collect import Results, collect
from golf.report.record import bytes_per_token, final_score
from golf.report.study import Line, Study
from golf.report.table import Analysis, analyze


class Signature(Frozen):
    """Who submits, and under which name; "" where it was not given."""

    author: str = ""
    github_id: str = ""
    name: str = ""


class Entry(Frozen):
    """A finished row.

    Attributes:
        cells: its cells, by seed.
        frozen: the cell that the shipped script is made from.
        script: the bytes of ``train_gpt.py``.
        analysis: the whole matrix, with the row's sizes counted with the shipped script.
        options: what the matrix was run with.
    """

    plan: Plan
    row: Row
    cells: Mapping[int, Cell]
    frozen: Cell
    script: bytes
    results: Results
    analysis: Analysis
    options: Options
    signature: Signature

    @property
    def lines(self) -> Mapping[int, Line]:
        """Return the measures of the row by seed."""
        return self.analysis.values[self.row.name]

    @property
    def score(self) -> str:
        """Return the name of the score that is submitted: ``ttt_bpb`` or ``post_bpb``."""
        return final_score(self.lines)

    @property
    def scores(self) -> list[float]:
        return [float(line[self.score]) for line in self.lines.values()]

    @property
    def bytes_per_token(self) -> float:
        """Return the bytes of a scored token; every evaluation counts both."""
        found = bytes_per_token(self.lines)
        assert found is not None
        return found

    @cached_property
    def shown(self) -> Analysis:
        """Return the row and the one that it is compared with; p-values stay the table's."""
        names = {self.row.name, self.row.parent}
        study = self.analysis.study
        kept = replace(
            study,
            rows=tuple(r for r in study.rows if r.name in names),
            lines=tuple(x for x in study.lines if x["row"] in names),
        )
        table = tuple(r for r in self.analysis.table if r.row in names)
        return replace(self.analysis, study=kept, table=table)

    def result(self, node: Node) -> Found:
        """Return the result of a node; a finished row has all of them."""
        found = self.results.of(node)
        assert found is not None
        return found

    def final(self, seed: int) -> Found:
        """Return the result that holds a seed's submitted score."""
        cell = self.cells[seed]
        return self.result(cell.ttt or next(iter(cell.post.values())))

    def everything(self) -> list[Found]:
        """Return the results of all nodes of the row."""
        return [self.result(n) for cell in self.cells.values() for n in nodes_of(cell)]


def nodes_of(cell: Cell) -> list[Node]:
    """Return a cell's own nodes, without those of further budgets."""
    return list(replace(cell, also={}).nodes())


def enter(plan: Plan, row: Row, seed: int | None, signature: Signature, options: Options) -> Entry:
    """Return the entry of a row.

    Raises:
        GolfError: something without which a folder is worth nothing: the row is not finished, or
            its artifacts are not the ones that were scored.
    """
    frozen, results = cell_of(plan, row, seed), Results(plan)
    cells = {c.seed: c for c in plan.cells_of(row)}
    _require_finished(plan, row, cells, results)
    for cell in cells.values():
        _require_artifact(plan, row, cell, results)
    script = script_of(plan, frozen)
    study = with_script(collect(plan), row.name, len(script))
    return Entry(
        plan, row, cells, frozen, script, results, analyze(study), options, signature
    )  # fmt: skip


def _require_finished(plan: Plan, row: Row, cells: Mapping[int, Cell], results: Results) -> None:
    missing = {
        seed: ", ".join(dict.fromkeys(str(n.stage) for n in nodes_of(c) if not results.of(n)))
        for seed, c in cells.items()
    }
    lacking = [f"seed {seed} ({stages})" for seed, stages in missing.items() if stages]
    if lacking:
        what = f"row {row.name!r} is not finished: no results of {', '.join(lacking)}"
        raise fail(what, f"golf run {plan.rows.matrix.path}", str(plan.rows.matrix.path))


def _require_artifact(plan: Plan, row: Row, cell: Cell, results: Results) -> None:
    files, found = plan.node_paths(cell.quantize), results.of(cell.quantize)
    hint = f"rm -r {files.folder} && golf run {plan.rows.matrix.path}"
    head = f"row {row.name!r}, seed {cell.seed}"
    if not files.artifact.is_file():
        raise fail(f"{head}: the artifact is not there any more", hint, str(files.artifact))
    if found and file_sha256(files.artifact) != found.output_sha256:
        what = f"{head}: this is not the artifact that was scored"
        raise fail(what, hint, str(files.artifact))


def with_script(study: Study, row: str, code_bytes: int) -> Study:
    """Return the study with a row's artifacts counted with the script that is shipped."""

    def counted(line: Line) -> Line:
        if line["row"] != row:
            return line
        total = line["model_bytes"] + code_bytes
        return {**line, "code_bytes": code_bytes, "artifact_bytes": total}

    return replace(study, lines=tuple(counted(line) for line in study.lines))
