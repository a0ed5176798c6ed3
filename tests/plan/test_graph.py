"""Which nodes rows share: a key is what a node depends on, and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from golf.config.knob import UNSET, Stage, Value
from golf.config.machine import Launch, Machine
from golf.config.schema import KNOBS
from golf.config.values import coerce
from golf.errors import GolfError
from golf.plan import graph
from golf.plan.cells import plan_matrix
from golf.plan.graph import RECIPE, Cell, Plan
from tests.conftest import CPU, H100, TINY, tiny_rows

ROOT = Path("/nowhere/project")
ALL = {"train", "pre", "quantize", "post", "ttt"}
TIMED = {n: v for n, v in TINY.items() if n != "train.steps"} | {"train.seconds": 5.0}


def planned(
    base: dict[str, Value] | None = None,
    rows: dict[str, dict[str, Value]] | None = None,
    machine: Machine = CPU,
    launch: Launch | None = None,
    root: Path = ROOT,
) -> Plan:
    return plan_matrix(tiny_rows(base, rows, machine, launch), root, "test")


def keys(cell: Cell) -> dict[str, str]:
    """Return a cell's keys by name; pre and post of several geometries joined."""
    found = {
        "train": cell.train.key,
        "pre": "+".join(n.key for n in cell.pre.values()),
        "quantize": cell.quantize.key,
        "post": "+".join(n.key for n in cell.post.values()),
    }
    return found | ({"ttt": cell.ttt.key} if cell.ttt else {})


def typed(settings: dict[str, Value]) -> dict[str, Value]:
    """Coerce values as the loader does; a budget that is given up is left out."""
    kept = {n: v for n, v in settings.items() if not (n == "train.steps" and v is None)}
    return {n: coerce(KNOBS[n], v) for n, v in kept.items()}


def first(**options: object) -> dict[str, str]:
    return keys(planned(**options).cells[0])  # type: ignore[arg-type]


def with_row(**settings: Value) -> tuple[dict[str, str], dict[str, str]]:
    """Return the keys of the baseline and of a row with these settings."""
    row = {n.replace("__", "."): v for n, v in settings.items()}
    baseline, changed = planned(rows={"r": row}).cells
    return keys(baseline), keys(changed)


def differ(one: dict[str, str], other: dict[str, str]) -> set[str]:
    return {name for name in one if one[name] != other[name]}


def test_a_cell_has_five_nodes_and_four_without_adaptation() -> None:
    with_ttt = planned().cells[0]
    base = {n: v for n, v in TINY.items() if not n.startswith("ttt.")}
    without = planned(base).cells[0]
    assert [str(n.stage) for n in with_ttt.nodes()] == [
        "train", "evaluate", "quantize", "evaluate", "ttt",
    ]  # fmt: skip
    assert (len(list(without.nodes())), without.ttt) == (4, None)
    assert keys(without).items() <= keys(with_ttt).items()


def test_every_geometry_is_a_node_and_the_first_one_adapts() -> None:
    names = ("sliding64", "chunked")
    cell = planned({**TINY, "eval.geometries": names}).cells[0]
    assert len(list(cell.nodes())) == 7
    assert tuple(cell.pre) == tuple(cell.post) == names
    assert cell.ttt is not None
    assert cell.ttt.spec["eval.geometry"] == "sliding64"


def test_a_further_geometry_leaves_the_other_nodes_as_they_are() -> None:
    one = planned({**TINY, "eval.geometries": ("chunked",)})
    two = planned({**TINY, "eval.geometries": ("chunked", "sliding64")})
    assert set(one.nodes) < set(two.nodes)


CHANGES: list[tuple[dict[str, Value], set[str]]] = [
    ({"model__depth": 3}, ALL),
    ({"train__min_lr": 0.1}, ALL),
    ({"optim__muon_wd": 0.1}, ALL),
    ({"quant__bits": 4}, {"quantize", "post", "ttt"}),
    ({"quant__clip_sigmas": 2.0}, {"quantize", "post", "ttt"}),
    ({"eval__max_tokens": 1024}, {"pre", "post", "ttt"}),
    ({"ttt__lr": 0.01}, {"ttt"}),
    ({"ttt__method": "sgd", "ttt__epochs": 2}, {"ttt"}),
]


@pytest.mark.parametrize(("settings", "changed"), CHANGES)
def test_a_change_repeats_its_stage_and_those_after_it_only(
    settings: dict[str, Value], changed: set[str]
) -> None:
    assert differ(*with_row(**settings)) == changed


def test_three_bit_widths_cost_one_training() -> None:
    rows: dict[str, dict[str, Value]] = {f"int{b}": {"quant.bits": b} for b in (4, 5, 6)}
    plan = planned(rows=rows)
    stages = [str(n.stage) for n in plan.nodes.values()]
    assert {s: stages.count(s) for s in set(stages)} == {
        "train": 1, "quantize": 4, "evaluate": 1 + 4, "ttt": 4,
    }  # fmt: skip


def test_inputs_stand_before_what_needs_them() -> None:
    rows: dict[str, dict[str, Value]] = {"a": {"model.depth": 3}, "b": {"quant.bits": 4}}
    seen: set[str] = set()
    for key, node in planned(rows=rows).nodes.items():
        assert node.weights is None or node.weights.key in seen
        seen.add(key)


def test_a_key_does_not_know_the_rows_name_its_place_or_its_neighbours() -> None:
    row: dict[str, Value] = {"model.depth": 3}
    other: dict[str, Value] = {"model.mlp_mult": 3.0}
    here = planned(rows={"a": row, "b": other}).cells
    there = planned(rows={"x": other, "y": row}).cells
    assert keys(here[1]) == keys(there[2])
    assert keys(here[2]) == keys(there[1])


def test_a_key_does_not_know_where_the_project_lies(tmp_path: Path) -> None:
    assert first(root=tmp_path) == first(root=ROOT)


def test_a_key_does_not_know_in_which_order_settings_were_written() -> None:
    assert first(base=dict(reversed(TINY.items()))) == first(base=TINY)


SAME: list[tuple[dict[str, Value], dict[str, Value]]] = [
    ({"model.mlp_mult": 4}, {"model.mlp_mult": 4.0}),
    ({"model.n_kv_head": None}, {"model.n_kv_head": 2}),
    ({"model.rope_dims": 0}, {"model.rope_dims": 32}),
    ({}, {"model.logit_softcap": None}),
    ({}, {"train.min_lr": 0.0}),
    ({"model.leaky_slope": 0}, {"model.leaky_slope": 0.0}),
    ({"model.window_pattern": "SL"}, {"model.window_pattern": "S"}),
    ({}, {"train.data_seed": 1337}),
    ({}, {"runtime.log_every": 3}),
    ({"train.steps": 24}, {"train.tokens": 24 * 256, "train.steps": None}),
    ({"train.steps": 24}, {"train.tokens": 24 * 256 - 1, "train.steps": None}),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_ways_to_say_the_same_share_every_key(
    one: dict[str, Value], other: dict[str, Value]
) -> None:
    assert first(base=typed(TINY | one)) == first(base=typed(TINY | other))


def test_a_knob_at_off_is_in_no_key_as_if_it_had_never_been_invented() -> None:
    offs = {n: k.off for n, k in KNOBS.items() if k.off is not UNSET and n not in TINY}
    cell = planned({**TINY, "model.leaky_slope": 0.0}).cells[0]
    named = {n: v for node in cell.nodes() for n, v in node.spec.items()}
    assert [n for n in offs if n in named and named[n] == offs[n]] == []
    assert "model.leaky_slope" not in named
    assert "model.leaky_slope" in planned().cells[0].train.spec


NUMERICS = {
    "device": (H100, Launch(device="cuda")),
    "world size": (CPU, Launch(nproc_per_node=2)),
    "threads": (CPU, Launch(threads=2)),
    "compilation": (CPU, Launch(compile="on")),
    "bfloat16": (replace(CPU, cpu_bf16=True), Launch()),
}


@pytest.mark.parametrize("kind", NUMERICS)
def test_what_changes_bits_changes_every_key(kind: str) -> None:
    machine, launch = NUMERICS[kind]
    assert differ(first(), first(machine=machine, launch=launch)) == ALL


@pytest.mark.parametrize("fact", ["cores", "cpu_name", "gpus"])
def test_a_budget_in_steps_does_not_care_which_machine_of_a_kind_it_is(fact: str) -> None:
    other = replace(CPU, **{fact: "other" if fact == "cpu_name" else 5})
    assert first(machine=other, launch=Launch(device="cpu")) == first()


@pytest.mark.parametrize(
    ("one", "other"),
    [(CPU, replace(CPU, cpu_name="x")), (H100, replace(H100, gpu_name="NVIDIA H200"))],
)
def test_a_budget_in_seconds_belongs_to_one_kind_of_processor(one: Machine, other: Machine) -> None:
    assert differ(first(base=TIMED, machine=one), first(base=TIMED, machine=other)) == ALL


def test_each_seed_is_a_training_of_its_own() -> None:
    rows = tiny_rows(seeds=(1, 2, 3))
    plan = plan_matrix(rows, ROOT, "test")
    assert [c.seed for c in plan.cells] == [1, 2, 3]
    assert len({c.train.key for c in plan.cells}) == 3
    assert [c.train.spec["train.seed"] for c in plan.cells_of(rows.rows[0])] == [1, 2, 3]


def test_a_stage_sees_the_knobs_of_its_own_stage_only() -> None:
    cell = planned().cells[0]
    prefixes = {
        str(n.stage): {name.split(".")[0] for name in n.spec}
        for n in (cell.quantize, cell.post["chunked"])
    }
    assert prefixes == {"quantize": {"quant"}, "evaluate": {"eval"}}
    assert not any(n.startswith(("quant", "eval", "ttt", "runtime")) for n in cell.train.spec)


def test_another_corpus_or_vocabulary_is_another_dataset_and_training() -> None:
    cells = [
        planned({**TINY, **extra}).cells[0]
        for extra in ({}, {"data.vocab_size": 512}, {"data.dataset": "sotu"})
    ]
    assert len({c.train.dataset.key for c in cells}) == 3
    assert len({c.train.key for c in cells}) == 3


def test_a_bumped_recipe_renames_its_stage_and_those_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = first()
    for stage, changed in (("data", ALL), ("train", ALL), ("ttt", {"ttt"})):
        with monkeypatch.context() as patch:
            patch.setitem(RECIPE, stage, RECIPE[stage] + 1)
            assert differ(before, first()) == changed


def test_the_record_of_a_node_says_what_its_key_hashes() -> None:
    cell = planned().cells[0]
    record = cell.quantize.record({"runtime.log_every": 1})
    assert record.weights == ["train", cell.train.key]
    assert (record.key, record.dataset) == (cell.quantize.key, cell.train.dataset.key)
    assert record.spec == dict(cell.quantize.spec)
    assert cell.train.record({}).weights is None


def test_a_dataset_that_is_nowhere_is_reported_with_the_closest_corpus() -> None:
    with pytest.raises(GolfError, match=r"'sotu_small' is no corpus") as caught:
        planned({**TINY, "data.dataset": "sotu_small"})
    assert "'sotu-small'" in caught.value.problems[0].hint


def test_a_key_is_the_start_of_the_hash_of_canonical_json() -> None:
    spec: dict[str, Value] = {"z": None, "a": 4.0, "m": "é", "t": True}
    node = graph.Node(
        Stage.TRAIN, graph.Spec(spec), graph.Dataset({"fingerprint": "f", "folder": "/x"})
    )
    data = hashlib.sha256(f'["data",{RECIPE["data"]},{{"fingerprint":"f"}}]'.encode()).hexdigest()[
        :12
    ]
    text = f'["train",{RECIPE["train"]},{{"a":4.0,"m":"\\u00e9","t":true,"z":null}},["{data}"]]'
    assert node.key == hashlib.sha256(text.encode()).hexdigest()[:12]


GOLDEN = {
    "train": "569c4333e152",
    "pre": "17cd499358e2",
    "quantize": "29c9181af9a1",
    "post": "8f280fd75d74",
    "ttt": "578fcd29fff1",
}
MOVED = """\
The names of finished work moved: everybody's results would be done again.

- If you did not mean that, restore what you changed in `golf/config` or `golf/plan`.
- If the numbers of a stage changed, bump its number in `RECIPE` (golf/plan/graph.py).
- If a default was retuned, or a knob without an `off` value was added, moving is right.

In the last two cases paste the new keys into GOLDEN: {}
"""


def test_the_golden_keys_stand() -> None:
    settings: dict[str, Value] = {
        "data.dataset": "sotu-small", "data.vocab_size": 384, "model.depth": 2,
        "train.steps": 24, "train.seq_len": 128, "train.batch_tokens": 256,
        "quant.bits": 4, "eval.max_tokens": 2048, "ttt.method": "sgd", "ttt.batch_tokens": 256,
    }  # fmt: skip
    found = first(base=settings)
    assert found == GOLDEN, MOVED.format(found)
