"""The courtyard: where files lie and what a node's result holds.

Planning and workshop meet only in these files. Every file appears by rename, so a file that
exists is whole; ``result.json`` is written last, so a folder without it is unfinished.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from golf.errors import fail
from golf.files import canonical_json, read_json, write_json

RESULT_VERSION = 1

NodeId = tuple[str, str]  # stage and key
STAGES = ("train", "quantize", "evaluate", "ttt")
SCORING = ("evaluate", "ttt")  # the stages that score text

FAILED_LINE = "failed: "  # starts the line of a job's log that names a node which failed
ARTIFACT_LIMIT = 16_000_000  # decimal bytes, code and model: the cap of the challenge


@dataclass(frozen=True)
class Result:
    """What a finished node found.

    Attributes:
        stage: ``train``, ``quantize``, ``evaluate`` or ``ttt``.
        key: the node's content key.
        measures: numbers with units in their names (``post_bpb``, ``artifact_bytes``).
        spec: the knobs that the stage saw, resolved.
        inputs: output hash of each input, by ``STAGE/KEY`` of the input.
        output_sha256: hash of what later nodes read: weights, artifact or measures.
        recipe: recipe number of the stage.
        environment: versions, device, world size and commit; recorded, never hashed.
        facts: strings that belong to the numbers (convention, geometry, validation hash).
    """

    stage: str
    key: str
    measures: dict[str, float]
    spec: dict[str, Any]
    inputs: dict[str, str]
    output_sha256: str
    recipe: int
    environment: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    version: int = RESULT_VERSION


RESULT_FIELDS = {f.name for f in dataclasses.fields(Result)}


@dataclass(frozen=True)
class NodeSpec:
    """What a stage is told: ``spec.json``, written by planning before a job starts.

    Attributes:
        spec: the knobs that the stage may see; they are hashed into the key.
        dataset: key of the prepared dataset.
        weights: the node whose output is read; None for a training.
        runtime: settings that change how, never what; not hashed.
    """

    stage: str
    key: str
    recipe: int
    spec: dict[str, Any]
    dataset: str
    weights: list[str] | None
    runtime: dict[str, Any]

    @property
    def source(self) -> NodeId | None:
        return (self.weights[0], self.weights[1]) if self.weights else None


@dataclass(frozen=True)
class NodePaths:
    """Every file of one node's folder."""

    folder: Path

    @property
    def spec(self) -> Path:
        return self.folder / "spec.json"

    @property
    def result(self) -> Path:
        return self.folder / "result.json"

    @property
    def failed(self) -> Path:
        return self.folder / "failed.json"

    @property
    def progress(self) -> Path:
        return self.folder / "progress.json"

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.safetensors"

    @property
    def resume(self) -> Path:
        return self.folder / "resume.safetensors"

    @property
    def curve(self) -> Path:
        return self.folder / "curve.json"

    @property
    def artifact(self) -> Path:
        return self.folder / "artifact.bin"

    def output(self, stage: str) -> Path:
        """Return the file that later nodes read from a node of this stage."""
        return {"train": self.checkpoint, "quantize": self.artifact}.get(stage, self.result)


@dataclass(frozen=True)
class RunPaths:
    """Every folder under a project: ``runs/`` and ``reports/``."""

    root: Path

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def lock(self) -> Path:
        return self.runs / "run.lock"

    def node(self, stage: str, key: str) -> NodePaths:
        return NodePaths(self.root.joinpath("runs", stage, key))

    def dataset(self, key: str) -> Path:
        return self.runs / "data" / key

    def imported(self, name: str) -> Path:
        return self.runs / "imported" / f"{name}.json"

    @property
    def finished(self) -> Path:
        """Return what is kept of results, to read many at once."""
        return self.runs / "finished.json"

    def inspection(self, key: str) -> Path:
        return self.runs / "inspect" / f"{key}.json"

    @property
    def ledgers(self) -> Path:
        return self.runs / "matrices"

    def ledger(self, name: str) -> Path:
        """Return the note of how a matrix was last run."""
        return self.ledgers / f"{name}.json"

    def report(self, name: str, suffix: str) -> Path:
        return self.root / "reports" / f"{name}.{suffix}"


def find_root(matrix: Path) -> Path:
    """Return the project that a matrix file belongs to.

    The nearest folder above it that holds ``runs/``; else the parent of ``matrices/``; else
    the file's own folder.
    """
    folder = matrix.resolve().parent
    return enclosing_project(folder) or (folder.parent if folder.name == "matrices" else folder)


def enclosing_project(folder: Path) -> Path | None:
    """Return the nearest folder from here upwards that holds ``runs/``."""
    return next((f for f in (folder, *folder.parents) if (f / "runs").is_dir()), None)


def write_result(paths: NodePaths, result: Result) -> None:
    """Write a node's result; from now on the node is done."""
    write_json(paths.result, dataclasses.asdict(result))


def read_result(paths: NodePaths) -> Result | None:
    """Return a node's result, or None when it is unfinished.

    Raises:
        GolfError: the file is damaged or was written by a newer golf.
    """
    return read_result_file(str(paths.result))


def read_result_file(path: str) -> Result | None:
    """Return the result in a file; see ``read_result``."""
    found = read_json(path)
    if found is None:
        return None
    if (
        not isinstance(found, dict)
        or found.keys() != RESULT_FIELDS
        or found["version"] != RESULT_VERSION
    ):
        hint = "delete the folder to redo it"
        raise fail("not a result that this version of golf can read", hint, path)
    return Result(**found)


def write_spec(paths: NodePaths, spec: NodeSpec) -> None:
    """Tell a stage what to do."""
    write_json(paths.spec, dataclasses.asdict(spec))


def read_spec(folder: Path) -> NodeSpec:
    """Return what stands in a node's ``spec.json``.

    Raises:
        GolfError: no such file, or not one of ours.
    """
    found = read_json(NodePaths(folder).spec)
    names = {f.name for f in dataclasses.fields(NodeSpec)}
    if not isinstance(found, dict) or set(found) != names:
        hint = "a node's folder is runs/STAGE/KEY, written by `golf run`"
        raise fail("no spec.json of a node here", hint, str(folder))
    return NodeSpec(**found)


def stands(paths: RunPaths, stage: str, key: str, deeply: bool = True) -> bool:
    """Say whether a node is done and was made from what its inputs hold now.

    An input without a result does not count against the node: the input runs again first, and
    the node stands if its output has the same hash as before. Deeply, inputs have to stand too.
    """
    result = read_result(paths.node(stage, key))
    for name, used in result.inputs.items() if result else ():
        source, _, its_key = name.partition("/")
        now = read_result(paths.node(source, its_key))
        changed = now and now.output_sha256 != used
        if changed or (now and deeply and not stands(paths, source, its_key)):
            return False
    return result is not None


def lacks_audit(paths: RunPaths, stage: str, key: str) -> bool:
    """Say whether a finished node gave scores that nobody has checked for legality."""
    result = read_result(paths.node(stage, key))
    return stage in SCORING and result is not None and "audit" not in result.facts


def unfinished(
    paths: RunPaths, sources: Mapping[NodeId, NodeId | None], audit: bool = False
) -> set[NodeId]:
    """Return the nodes that have to run.

    A node that stands has to run again when the file that it left was cleaned away and another
    node that has to run would read it.

    Args:
        paths: the project.
        sources: each node with the node that it reads, inputs before what needs them.
        audit: whether a score without an audit is unfinished.
    """
    todo: set[NodeId] = set()
    here = begun(paths)
    for node, source in reversed(list(sources.items())):
        done = node in here and stands(paths, *node, deeply=False)
        done = done and not (audit and lacks_audit(paths, *node))
        if node not in todo and done:
            continue
        todo.add(node)
        if source in here and not paths.node(*source).output(source[0]).exists():
            todo.add(source)
    return todo


def begun(paths: RunPaths) -> set[NodeId]:
    """Return the nodes that have a folder; asking for all at once spares asking for each."""
    folders = [(s, paths.runs / s) for s in STAGES if (paths.runs / s).is_dir()]
    return {(stage, name) for stage, folder in folders for name in os.listdir(folder)}  # noqa: PTH208


def measures_hash(measures: Mapping[str, float]) -> str:
    """Return the hash of a node's numbers, clocks left out."""
    return hashlib.sha256(canonical_json(lasting(measures)).encode()).hexdigest()


def lasting(measures: Mapping[str, float]) -> dict[str, float]:
    """Return the numbers that another run gives too: clocks and memory are left out."""
    return {n: v for n, v in measures.items() if not n.endswith(("_s", "_ms", "_mb", "_per_s"))}
