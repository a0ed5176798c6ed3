"""Trainings that stop go on bit for bit; priming and other people's checkpoints leave no trace."""

from __future__ import annotations

import pytest

from golf.config.knob import Value
from golf.optim.schedule import Rates
from golf.stages import learner, train
from tests.conftest import TINY, Project
from tests.stages.results import context, result

RESUMED: dict[str, dict[str, Value]] = {
    "ema": {"train.ema_decay": 0.9, "train.grad_clip": 0.3},
    "raw ema": {"train.ema_decay": 0.9, "train.ema_debias": False, "optim.muon_beta2": 0.9},
    "looped": {
        "model.depth": 3,
        "model.loop_count": 1,
        "model.loop_end": 1,
        "train.loop_at": 0.3,
        "model.skips": "gated",
        "train.qat_bits": 4,
        "train.qat_at": 0.6,
    },
    "growing": {
        "model.depth": 4,
        "train.grow_from": 2,
        "train.grow_at": 0.3,
        "train.ema_decay": 0.9,
    },
    "coprime": {"train.loader": "coprime"},
    "best fit": {"train.loader": "best_fit"},
    "packed": {"train.loader": "packed"},
    "swa": {"train.swa_start": 1.0, "train.swa_every": 3, "optim.matrix_optimizer": "mud"},
}


@pytest.mark.parametrize("kind", RESUMED)
def test_training_resumes_from_its_last_checkpoint_bit_for_bit(
    project: Project, lone_project: Project, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    cell = project.plan({**TINY, **RESUMED[kind]}).cells[0]
    project.run(cell.train)
    whole_step = train.Training.step

    def stop_at_ten(training: train.Training) -> None:
        if training.budget.step == 10:
            raise KeyboardInterrupt
        whole_step(training)

    monkeypatch.setattr(train.Training, "step", stop_at_ten)
    with pytest.raises(KeyboardInterrupt):
        lone_project.run_one(cell.train, {"runtime.checkpoint_seconds": 0.0})
    monkeypatch.setattr(train.Training, "step", whole_step)
    assert lone_project.files(cell.train).resume.exists()
    lone_project.run_one(cell.train, {"runtime.prime_steps": 2})
    assert (
        result(lone_project, cell.train).output_sha256 == result(project, cell.train).output_sha256
    )
    assert not lone_project.files(cell.train).resume.exists()


@pytest.mark.parametrize("kind", RESUMED)
def test_priming_takes_steps_and_leaves_no_trace(
    lone_project: Project, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    node = lone_project.plan({**TINY, **RESUMED[kind], "train.steps": 6}).cells[0].train
    step, taken = learner.Optimizers.step, []

    def counted(optimizers: learner.Optimizers, rates: Rates) -> None:
        step(optimizers, rates)
        taken.append(rates)

    monkeypatch.setattr(learner.Optimizers, "step", counted)
    hashes = []
    for prime_steps in (0, 3):
        taken.clear()
        lone_project.run_one(node, {"runtime.prime_steps": prime_steps})
        phases = result(lone_project, node).facts["phases"]
        assert len(taken) == prime_steps * len(phases) + 6
        hashes.append(result(lone_project, node).output_sha256)
        lone_project.files(node).result.unlink()
    assert hashes[0] == hashes[1]


def test_a_checkpoint_of_another_spec_is_not_resumed(lone_project: Project) -> None:
    plan = lone_project.plan(rows={"other": {"optim.matrix_lr": 0.01}})
    first, second = (c.train for c in plan.cells)
    for node in (first, second):
        lone_project.prepare(node)
        lone_project.files(node).folder.mkdir(parents=True, exist_ok=True)
    training = train.Training(context(lone_project, first))
    training.prime()
    training.step()
    training.saved_at = -1e9
    training.checkpoint_if_due()
    lone_project.files(first).resume.rename(lone_project.files(second).resume)
    other = train.Training(context(lone_project, second))
    other.resume()
    assert other.budget.step == 0


def test_a_damaged_checkpoint_is_not_used(lone_project: Project) -> None:
    cell = lone_project.plan().cells[0]
    lone_project.prepare(cell.train)
    files = lone_project.files(cell.train)
    files.folder.mkdir(parents=True)
    files.resume.write_bytes(b"not a checkpoint")
    lone_project.run_one(cell.train)
    assert result(lone_project, cell.train).measures["steps"] == 24
