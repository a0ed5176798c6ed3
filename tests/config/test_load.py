"""A matrix file is read as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf.config.load import load_matrix, load_preset, preset_names
from golf.config.names import short_names
from golf.config.rows import ROW_WORDS
from golf.config.schema import KNOBS
from golf.config.template import TEMPLATE
from tests.config.loading import load, values

REPO = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("written", "knob", "value"),
    [
        ("GATE_WIDTH: 24", "model.gate_width", 24),
        ("num_kv_heads: 2", "model.n_kv_head", 2),
        ("LEAKY_SLOPE: 0.3", "model.leaky_slope", 0.3),
        ("EMBED_BITS: 6", "quant.embed_bits", 6),
        ("WINDOW_PATTERN: SL", "model.window_pattern", "SL"),
        ("model.depth: 3", "model.depth", 3),
        ("logit_softcap: 15", "model.logit_softcap", 15.0),
        ("logit_softcap: null", "model.logit_softcap", None),
        ("logit_softcap: ~", "model.logit_softcap", None),
        ("adam_eps: 1e-4", "optim.adam_eps", 0.0001),
        ("adam_eps: 1.5E-4", "optim.adam_eps", 0.00015),
        ("min_lr: .5", "train.min_lr", 0.5),
        ("batch_tokens: 65_536", "train.batch_tokens", 65536),
        ("dataset: off", "data.dataset", "off"),
        ("dataset: no", "data.dataset", "no"),
        ("dataset: yes", "data.dataset", "yes"),
        ("dataset: '010'", "data.dataset", "010"),
        ("evaluate: sliding64", "eval.geometries", ("sliding64",)),
        ("geometries: [chunked, sliding64]", "eval.geometries", ("chunked", "sliding64")),
    ],
)
def test_a_baseline_setting_is_read_as_it_was_written(
    tmp_path: Path, written: str, knob: str, value: object
) -> None:
    matrix = load(tmp_path, f"baseline:\n  {written}\n")
    setting = matrix.baseline[knob]
    assert (setting.value, type(setting.value)) == (value, type(value))
    assert setting.written == written.split(":")[0]
    assert setting.where == f"{tmp_path / 'm.yaml'}:2:{len(setting.written) + 5}"


def test_every_section_reaches_the_matrix(tmp_path: Path) -> None:
    matrix = load(
        tmp_path,
        "name: gates-2.1\nquestion: Why?\npreset: quickstart\nprofile: cpu\nseeds: [1, 2]\n"
        "budget: {tokens: 4096}\nevaluate: [chunked, sliding8]\n"
        "launch: {nproc_per_node: 2, device: cpu, threads: 3, compile: off, jobs: 4}\n"
        "baseline: {depth: 2}\n",
    )
    about = (matrix.name, matrix.question, matrix.preset, matrix.profile, matrix.seeds)
    assert about == ("gates-2.1", "Why?", "quickstart", "cpu", (1, 2))
    launch = matrix.launch
    assert (launch.nproc_per_node, launch.device, launch.threads) == (2, "cpu", 3)
    assert (launch.compile, launch.jobs) == ("off", 4)
    assert values(matrix) == {
        "model.depth": 2,
        "train.tokens": 4096,
        "eval.geometries": ("chunked", "sliding8"),
    }
    assert matrix.preset_layer == load_preset("quickstart")[0]


def test_a_matrix_without_a_name_is_called_after_its_file(tmp_path: Path) -> None:
    matrix = load(tmp_path, "baseline:\n")
    assert (matrix.name, matrix.seeds, matrix.drafts) == ("m", (1337,), ())


def test_factors_make_one_row_for_each_value(tmp_path: Path) -> None:
    text = "factors:\n  ROPE_DIMS: [16, 8]\n  logit_softcap: [15, null]\n  depth: 6\n"
    matrix = load(tmp_path, text)
    assert [d.name for d in matrix.drafts] == [
        "ROPE_DIMS=16", "ROPE_DIMS=8", "logit_softcap=15", "logit_softcap=null", "depth=6",
    ]  # fmt: skip
    assert values(matrix, "ROPE_DIMS=8") == {"model.rope_dims": 8}
    assert {d.parent for d in matrix.drafts} == {"baseline"}


def test_rows_keep_their_parent_note_and_twin(tmp_path: Path) -> None:
    text = (
        "rows:\n  a: {depth: 2, note: 12 heads}\n  b: {parent: a, bits: 4}\n"
        "  c: {same_as: b, parent: a, bits: 4}\n  d:\n"
    )
    rows = {d.name: d for d in load(tmp_path, text).drafts}
    assert list(rows) == ["a", "b", "c", "d"]
    assert (rows["a"].about.note, rows["b"].parent, rows["c"].same_as) == ("12 heads", "a", "b")
    assert rows["d"].own == {}


def test_rows_and_the_baseline_say_what_they_are_about(tmp_path: Path) -> None:
    matrix = load(
        tmp_path,
        "priority: HIGH\ntags: [shape, first]\nnote: run before the others\n"
        "baseline: {depth: 2, note: the published base, why: it stands}\n"
        "rows:\n"
        "  1A: {depth: 3, priority: low, tags: wide, why: starved?, expect: -0.002}\n"
        "  1B: {depth: 4, expect: 'if it wins, prefer depth', seeds: [42, 314]}\n"
        "  1C: {depth: 5, expect: {delta: +0.003, outcome: worse}}\n",
    )
    about = matrix.about
    assert (about.priority, about.tags) == ("high", ("shape", "first"))
    assert about.note == "run before the others"
    assert (matrix.baseline_about.note, matrix.baseline_about.why) == (
        "the published base", "it stands",
    )  # fmt: skip
    assert list(matrix.baseline) == ["model.depth"]
    a, b, c = matrix.drafts
    assert (a.about.priority, a.about.tags, a.about.why) == ("low", ("wide",), "starved?")
    assert (a.about.expect.delta, a.about.expect.outcome) == (-0.002, "")
    assert (b.about.expect.delta, b.about.expect.outcome) == (None, "if it wins, prefer depth")
    assert (c.about.expect.delta, c.about.expect.outcome) == (0.003, "worse")
    assert (a.seeds, b.seeds) == ((), (42, 314))
    assert not about.expect
    assert a.about.expect and b.about.expect


def test_no_knob_can_be_mistaken_for_a_word_about_a_row() -> None:
    assert not set(ROW_WORDS) & {*KNOBS, *short_names()}


def test_a_grid_is_the_product_and_a_zip_pairs_its_lists(tmp_path: Path) -> None:
    text = (
        "grid: {depth: [2, 3], BITS: [4, 5]}\n"
        "zip:\n  - {rope_dims: [8, 16], mlp_mult: [2, 3]}\n  - {head_dim: [64]}\n"
    )
    drafts = load(tmp_path, text.replace("BITS", "quant_bits")).drafts
    assert [d.name for d in drafts] == [
        "depth=2 quant_bits=4", "depth=2 quant_bits=5",
        "depth=3 quant_bits=4", "depth=3 quant_bits=5",
        "rope_dims=8 mlp_mult=2", "rope_dims=16 mlp_mult=3", "head_dim=64",
    ]  # fmt: skip
    assert {n: s.value for n, s in drafts[2].own.items()} == {"model.depth": 3, "quant.bits": 4}


@pytest.mark.parametrize("path", sorted((REPO / "matrices").glob("*.yaml")), ids=lambda p: p.name)
def test_a_matrix_that_ships_with_golf_is_read_without_a_mistake(path: Path) -> None:
    assert load_matrix(path).name == path.stem


def test_the_template_of_golf_init_is_a_legal_matrix(tmp_path: Path) -> None:
    matrix = load(tmp_path, TEMPLATE.format(name="mine", path="matrices/mine.yaml"))
    assert matrix.name == "mine"
    assert matrix.drafts[-1].parent == "wide"


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_holds_legal_settings_only(name: str) -> None:
    layer, _ = load_preset(name)
    assert layer
    assert all(s.where.startswith(f"golf/presets/{name}.yaml:") for s in layer.values())
