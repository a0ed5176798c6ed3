"""The exact commands, made without starting anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from golf.config.machine import Launch
from golf.errors import GolfError
from golf.launch.command import Slot, asked_slots, job_command, slots
from golf.plan.cells import plan_matrix
from golf.plan.graph import Plan
from golf.plan.work import jobs, pending
from tests.conftest import CPU, H100, TINY, tiny_rows


def plan(root: Path, machine=CPU, **launch: object) -> Plan:
    base = {**TINY, "train.batch_tokens": 2048}
    return plan_matrix(tiny_rows(base, machine=machine, launch=Launch(**launch)), root, "test")


@pytest.mark.parametrize(
    "machine, launch, expected",
    [
        (CPU, {}, [(0,), (1,)]),
        (CPU, {"nproc_per_node": 2}, [(0, 1)]),
        (CPU, {"threads": 2}, [(0, 1)]),
        (CPU, {"nproc_per_node": 4}, [(0, 1, 2, 3)]),
        (CPU, {"jobs": 1}, [(0,)]),
        (H100, {"nproc_per_node": 4}, [(0, 1, 2, 3), (4, 5, 6, 7)]),
        (H100, {"nproc_per_node": 8}, [tuple(range(8))]),
    ],
)
def test_a_machine_is_cut_into_as_many_slots_as_fit(
    tmp_path: Path, machine, launch: dict[str, int], expected: list[tuple[int, ...]]
) -> None:
    assert [s.devices for s in slots(plan(tmp_path, machine, **launch))] == expected


@pytest.mark.parametrize("launch", [{"nproc_per_node": 16}, {"jobs": 9}])
def test_more_gpus_than_there_are_is_a_mistake(tmp_path: Path, launch: dict[str, int]) -> None:
    made = plan(tmp_path, H100)
    made = replace(made, rows=replace(made.rows, launch=Launch(**launch)))
    with pytest.raises(GolfError, match="GPUs, there are 8"):
        slots(made)


def test_slots_that_a_machine_lacks_can_be_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(tmp_path, nproc_per_node=8, device="cuda")
    assert [s.devices for s in asked_slots(made)] == [tuple(range(8))]
    for visible in ("", "3,5"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        command = job_command(made, jobs(made, pending(made))[0], asked_slots(made)[0])
        assert command.env["CUDA_VISIBLE_DEVICES"] == "0,1,2,3,4,5,6,7"


def test_the_launch_section_that_asks_for_too_much_is_named(tmp_path: Path) -> None:
    asking = Launch(nproc_per_node=8, device="cuda")
    made = plan(tmp_path, nproc_per_node=8, device="cuda")
    file = tmp_path / "m.yaml"
    file.write_text("seeds: [1]\nlaunch: {nproc_per_node: 8, device: cuda}\n")
    for told, where in ((asking, f"{file}:2:1"), (Launch(), str(file))):
        matrix = replace(made.rows.matrix, path=file, launch=told)
        with pytest.raises(GolfError) as caught:
            slots(replace(made, rows=replace(made.rows, matrix=matrix)))
        what = "jobs 1 x nproc_per_node 8 takes 8 GPUs, there are 0"
        assert caught.value.problems[0][:2] == (where, what)


def test_a_job_gets_only_gpus_that_the_user_left_visible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(tmp_path, H100)
    job = jobs(made, pending(made))[0]
    assert job_command(made, job, Slot((1,))).env["CUDA_VISIBLE_DEVICES"] == "1"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert job_command(made, job, Slot((1,))).env["CUDA_VISIBLE_DEVICES"] == "5"


def test_a_gpu_has_its_share_of_the_cores(tmp_path: Path) -> None:
    made = plan(tmp_path, H100)
    command = job_command(made, jobs(made, pending(made))[0], slots(made)[0])
    assert command.env["OMP_NUM_THREADS"] == str(H100.cores // H100.gpus)


def test_threads_are_always_set_and_cores_always_pinned(tmp_path: Path) -> None:
    made = plan(tmp_path, threads=2)
    command = job_command(made, jobs(made, pending(made))[0], slots(made)[0])
    assert command.env["OMP_NUM_THREADS"] == "2"
    assert command.env["GOLF_CORES"] == "0,1"
    assert command.env["CUDA_VISIBLE_DEVICES"] == ""
