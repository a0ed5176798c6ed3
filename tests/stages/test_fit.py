"""A trained model fitted to a cap: under it and close, better than even bits, the same twice."""

from __future__ import annotations

import itertools
import shutil
from typing import Any

import pytest

from golf.config.knob import Value
from golf.config.schema import group_from
from golf.config.schema.quant import QuantConfig
from golf.files import read_json, write_json
from golf.plan.graph import Cell
from golf.quant.fit import CLOSE
from golf.stages.calibrate import calibration_batches
from golf.stages.fit import SPARE
from golf.stages.trial import unread_windows
from golf.stages.weights import load_model
from tests.conftest import TINY, Project
from tests.stages.results import context, result

TRAINED: dict[str, Value] = {
    **{n: v for n, v in TINY.items() if not n.startswith("ttt.")},
    "train.steps": 120, "train.batch_tokens": 512, "eval.max_tokens": 16384,
}  # fmt: skip
GPTQ: dict[str, Value] = {"quant.method": "gptq", "quant.calib_batches": 2}
CAP = 100_000


def made(project: Project, **quant: Value) -> tuple[Cell, dict[str, float], dict[str, Any]]:
    """Return a trained cell with these knobs of ``quant``, its sizes and scores, and its fit."""
    named = {f"quant.{n}": v for n, v in quant.items()}
    cell = project.plan({**TRAINED, **named}).cells[0]
    project.run(cell.post["chunked"])
    artifact, score = result(project, cell.quantize), result(project, cell.post["chunked"])
    return cell, artifact.measures | score.measures, artifact.facts.get("fit", {})


def fitted(
    project: Project, cap: int, **quant: Value
) -> tuple[Cell, dict[str, float], dict[str, Any]]:
    return made(project, fit_bytes=cap, fit_tokens=2048, **quant)


@pytest.mark.parametrize(("cap", "more"), [
    (80_000, {}), (CAP, {"method": "gptq", "calib_batches": 2}),
    (CAP, {"compressor": "brotli", "brotli_quality": 5}), (CAP, {"rotate": True, "lqer": True}),
])  # fmt: skip
def test_the_artifact_is_just_under_the_cap(
    project: Project, cap: int, more: dict[str, Value]
) -> None:
    _, measures, fit = fitted(project, cap, **more)
    assert cap * (1 - CLOSE) - 2 * SPARE <= measures["artifact_bytes"] <= cap
    assert (fit["over"], fit["free"]) == (False, False)


@pytest.mark.slow
def test_more_bytes_never_lose_more(project: Project) -> None:
    scores = [fitted(project, cap)[1]["bpb"] for cap in (80_000, 90_000, CAP, 16_000_000)]
    assert all(large <= small + 0.002 for small, large in itertools.pairwise(scores))
    assert scores[-1] < scores[0]


def test_a_cap_that_everything_fits_takes_the_finest_settings(project: Project) -> None:
    _, measures, fit = fitted(project, 16_000_000)
    _, plain, _ = made(project)
    assert (fit["over"], fit["free"]) == (False, True)
    assert measures["model_bytes"] > plain["model_bytes"]
    assert abs(fit["loss_nats"]) < 0.003


@pytest.mark.parametrize("bits", [3, 4, 5])
def test_the_choice_beats_even_bits_of_as_many_bytes(project: Project, bits: int) -> None:
    _, even, _ = made(project, bits=bits, embed_bits=bits)
    _, chosen, _ = fitted(project, int(even["artifact_bytes"]))
    assert chosen["artifact_bytes"] <= even["artifact_bytes"]
    assert chosen["bpb"] < even["bpb"]


@pytest.mark.parametrize("method", [{}, {"method": "gptq", "calib_batches": 2}])
def test_setting_what_was_chosen_gives_the_same_bytes(
    project: Project, method: dict[str, Value]
) -> None:
    cell, measures, fit = fitted(project, CAP, **method)
    settings = fit["settings"]
    pasted, again, _ = made(project, **method, **{n[6:]: v for n, v in settings.items()})
    artifacts = [project.files(c.quantize).artifact.read_bytes() for c in (cell, pasted)]
    assert artifacts[0] == artifacts[1]
    assert abs(measures["code_bytes"] - again["code_bytes"]) <= SPARE
    assert again["artifact_bytes"] <= CAP


def test_a_second_run_chooses_the_same_without_validation_text(
    project: Project, lone_project: Project
) -> None:
    cell, _, _ = fitted(project, CAP)
    shutil.copytree(project.paths.runs, lone_project.paths.runs, dirs_exist_ok=True)
    shutil.rmtree(lone_project.files(cell.quantize).folder)
    data = lone_project.paths.dataset(cell.train.dataset.key)
    prepared = read_json(data / "dataset.json")
    write_json(data / "dataset.json", prepared | {"val": [], "val_bytes": []})
    lone_project.run(cell.quantize)
    first, second = (p.files(cell.quantize).artifact for p in (project, lone_project))
    assert first.read_bytes() == second.read_bytes()


def test_a_cap_below_the_smallest_is_told_and_no_crash(project: Project) -> None:
    _, measures, fit = fitted(project, 40_000)
    assert (fit["over"], fit["free"]) == (True, False)
    _, even, _ = made(project, bits=2, embed_bits=2)
    assert 40_000 < measures["artifact_bytes"] < even["artifact_bytes"]
    assert {r["bits"] for r in fit["roles"]} == {2}


def test_losses_are_measured_on_text_that_calibration_does_not_read(project: Project) -> None:
    cell = project.plan({**TRAINED, **GPTQ, "quant.fit_bytes": CAP, "quant.fit_tokens": 1000})
    node = cell.cells[0].quantize
    project.run(node.training)
    project.files(node).folder.mkdir(parents=True, exist_ok=True)
    here, config = context(project, node), group_from(node.spec, QuantConfig)
    read = {
        tuple(r) for b in calibration_batches(here, load_model(here), config) for r in b.tolist()
    }
    windows = unread_windows(here, config)
    rows = [tuple(r) for b in windows for r in b.inputs.tolist()]
    assert len(rows) == len(set(rows)) == 8
    assert not read & set(rows)
    for batch in windows:
        assert batch.inputs[:, 1:].equal(batch.targets[:, :-1])


def test_what_a_role_is_said_to_take_is_what_the_file_holds(project: Project) -> None:
    cell, measures, fit = fitted(project, CAP)
    by_kind = result(project, cell.quantize).facts["bytes_by_kind"]
    roles = {r["role"]: r for r in fit["roles"]}
    assert set(roles) == {"attn", "mlp", "embed"}
    assert roles["embed"]["coded_bytes"] == round(by_kind["embed_VC"]["coded_bytes"])
    codes = [line for kind, line in by_kind.items() if kind not in ("scales", "passed")]
    total = sum(line["coded_bytes"] for line in codes)
    assert sum(r["coded_bytes"] for r in roles.values()) == pytest.approx(total, abs=2)
    assert total < measures["model_bytes"]
    assert fit["settings"] == {
        **{f"quant.{n}_bits": r["bits"] for n, r in roles.items()},
        **{f"quant.{n}_clip_sigmas": r["clip_sigmas"] for n, r in roles.items()},
    }
