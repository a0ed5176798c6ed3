"""A matrix file is read as written, and every mistake in it is reported with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf.config.load import load_matrix, load_preset, parse_override, preset_names
from golf.config.matrix import Matrix
from golf.config.names import short_names
from golf.config.rows import ROW_WORDS
from golf.config.schema import KNOBS
from golf.config.template import TEMPLATE
from golf.errors import GolfError, Problem

REPO = Path(__file__).parents[2]


def write(folder: Path, text: str) -> Path:
    path = folder / "m.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path, text: str) -> Matrix:
    return load_matrix(write(folder, text))


def mistakes(folder: Path, text: str) -> list[Problem]:
    with pytest.raises(GolfError) as caught:
        load(folder, text)
    return list(caught.value.problems)


def values(matrix: Matrix, row: str = "baseline") -> dict[str, object]:
    layers = {d.name: d.own for d in matrix.drafts} | {"baseline": matrix.baseline}
    return {name: setting.value for name, setting in layers[row].items()}


HUNDREDS = ", ".join(f"0.{i:03}" for i in range(400))
MISTAKES = {
    "unknown factor": (
        "baseline:\n  gate_widht: 24\n",
        "2:3",
        "unknown factor 'gate_widht'",
        "did you mean 'gate_width'",
    ),
    "unknown section": ("baselin: {}\n", "1:1", "unknown section 'baselin'", "'baseline'"),
    "word for a number": (
        "baseline:\n  depth: 8 layers\n",
        "2:10",
        "model.depth wants int, found '8 layers'",
        "",
    ),
    "fraction for a whole number": ("baseline: {depth: 1.5}\n", "1:19", "wants int", ""),
    "true for a number": ("baseline: {depth: true}\n", "1:19", "wants int, found True", ""),
    "number for a word": ("baseline: {value_embed: 3}\n", "1:25", "wants str, found 3", "none"),
    "mapping for a number": ("baseline: {depth: {a: 1}}\n", "1:19", "found a mapping", ""),
    "list for a number": ("baseline: {depth: [1, 2]}\n", "1:19", "wants int", ""),
    "null for a number": ("baseline: {warmdown: null}\n", "1:22", "found null", "write 0"),
    "not one of the choices": (
        "rows:\n  r:\n    embed_bits: 9\n",
        "3:17",
        "quant.embed_bits is one of 2, 3, 4, 5, 6, 7, 8, found 9",
        "",
    ),
    "close to a choice": ("baseline: {attn_gate: outgate}\n", "1:23", "one of", "'out_gate'"),
    "too small": ("baseline: {depth: 0}\n", "1:19", "model.depth is at least 1 layer", ""),
    "too large": ("baseline: {leaky_slope: 2}\n", "1:25", "is at most 1, found 2", ""),
    "not finite": ("baseline: {rope_base: 1e999}\n", "1:23", "a finite number", ""),
    "duplicate key": (
        "baseline:\n  depth: 2\n  depth: 3\n",
        "3:3",
        "'depth' is set twice; first on line 2",
        "keep one",
    ),
    "two names of one factor": (
        "baseline:\n  depth: 2\n  num_layers: 3\n",
        "3:3",
        "model.depth is already set as depth",
        "",
    ),
    "seeds as a word": ("seeds: many\n", "1:8", "the number of seeds is a whole number", ""),
    "seeds with a word": ("seeds: [1, two]\n", "1:8", "a list of whole numbers", ""),
    "seeds with a fraction": ("seeds: [1, 2.5]\n", "1:8", "a list of whole numbers", ""),
    "no seeds": ("seeds: []\n", "1:8", "a list of whole numbers", ""),
    "negative seed": ("seeds: [-1]\n", "1:8", "a list of whole numbers", ""),
    "seed twice": ("seeds: [1, 2, 1]\n", "1:8", "a seed is listed twice", ""),
    "unknown preset": (
        "preset: quickstrat\n",
        "1:9",
        "unknown preset 'quickstrat'",
        "'quickstart'",
    ),
    "unknown profile": ("profile: smok\n", "1:10", "unknown profile 'smok'", "'smoke'"),
    "unknown parent": (
        "rows:\n  wide: {depth: 2}\n  b: {parent: wid, depth: 3}\n",
        "3:3",
        "row 'b' names an unknown row 'wid'",
        "'wide'",
    ),
    "unknown twin": ("rows:\n  b: {same_as: a, depth: 3}\n", "2:3", "an unknown row 'a'", ""),
    "parent circle of one": (
        "rows:\n  a: {parent: a, depth: 2}\n",
        "2:3",
        "the parents of row 'a' go round in a circle",
        "",
    ),
    "duplicate row": (
        "factors:\n  depth: [2]\nrows:\n  depth=2: {depth: 3}\n",
        "4:3",
        "there is already a row 'depth=2'",
        "rename",
    ),
    "bad priority": (
        "rows:\n  r: {priority: hihg, depth: 2}\n",
        "2:17",
        "a priority is high, medium or low",
        "'high'",
    ),
    "bad expectation": (
        "rows: {r: {expect: true, depth: 2}}\n",
        "1:20",
        "a signed delta",
        "-0.002",
    ),
    "outcome for a delta": (
        "rows: {r: {expect: {delta: good}, depth: 2}}\n",
        "1:28",
        "expect is a signed delta",
        "",
    ),
    "unknown expectation": (
        "rows: {r: {expect: {dleta: 1}, depth: 2}}\n",
        "1:21",
        "unknown expectation 'dleta'",
        "'delta'",
    ),
    "seeds of a row": ("rows: {r: {seeds: 3, depth: 2}}\n", "1:19", "a list of whole numbers", ""),
    "parent of the baseline": ("baseline: {parent: a}\n", "1:12", "unknown factor 'parent'", ""),
    "formula for a word": (
        "baseline: {value_embed: = depth}\n",
        "1:25",
        "model.value_embed wants str, and a formula gives a number",
        "",
    ),
    "formula with a call": ("baseline: {depth: = max(1)}\n", "1:19", "neither arithmetic", ""),
    "formula with an unknown name": (
        "baseline: {n_kv_head: = n_haed / 2}\n",
        "1:23",
        "unknown factor 'n_haed'",
        "'n_head'",
    ),
    "formula of itself": ("baseline: {depth: = depth + 1}\n", "1:19", "relative to itself", ""),
    "an unequal zip": (
        "zip: {depth: [2, 3], bits: [4]}\n",
        "1:6",
        "paired lists are of one length, found model.depth 2, quant.bits 1",
        "",
    ),
    "grid of no mapping": ("grid: [depth]\n", "1:8", "expected factor names", ""),
    "grid without values": ("grid: {depth: []}\n", "1:15", "factor 'depth' has no values", ""),
    "one factor twice in a grid": (
        "grid: {depth: [2], num_layers: [3]}\n",
        "1:20",
        "already one of these factors",
        "",
    ),
    "huge grid": (
        f"grid: {{muon_wd: [{HUNDREDS}], min_lr: [{HUNDREDS}]}}\n",
        "1:7",
        "this grid has 160,000 points",
        "",
    ),
    "broken constraint": ("where: [depth %]\n", "1:9", "cannot read `depth %`", "arithmetic"),
    "list as a constraint": ("where: [[depth]]\n", "1:9", "a constraint is a comparison", ""),
    "empty exclusion": ("exclude: [{}]\n", "1:11", "excludes nothing", ""),
    "merge key": ("rows:\n  a: &a {depth: 2}\n  b: {<<: *a}\n", "3:7", "merge keys", "`parent:`"),
    "yes for a switch": (
        "baseline: {tied: yes}\n",
        "1:18",
        "model.tied wants bool, found 'yes'",
        "true or false",
    ),
    "off for a word": ("baseline: {attn_gate: off}\n", "1:23", "is one of", "write none"),
    "a file that is not there": ("include: none.yaml\n", "1:10", "cannot include none.yaml", ""),
    "row named baseline": ("rows:\n  baseline: {depth: 3}\n", "2:3", "already a row", ""),
    "two budgets": (
        "budget: {steps: 5, seconds: 5}\n",
        "1:9",
        "a budget is one of seconds, steps or tokens",
        "",
    ),
    "both of one": (
        "budget: {steps: 5, both: [steps, seconds]}\n",
        "1:9",
        "both names the two budgets that are given beside it",
        "{seconds: 600, steps: 4000, both: [seconds, steps]}",
    ),
    "unknown budget": ("budget: {stepz: 5}\n", "1:10", "unknown budget 'stepz'", "'steps'"),
    "seed in a row": (
        "rows:\n  r: {seed: 5}\n",
        "2:7",
        "seeds are listed for the whole matrix",
        "seeds: [1337, 42]",
    ),
    "octal or decimal": ("baseline: {depth: 010}\n", "1:19", "010 is read differently", "decimal"),
    "unknown launch setting": ("launch: {nproc: 2}\n", "1:10", "unknown launch setting", ""),
    "bad launch number": ("launch: {threads: 0}\n", "1:19", "launch threads is a whole", ""),
    "bad launch device": ("launch: {device: cud}\n", "1:18", "unknown name 'cud'", "'cuda'"),
    "name with a slash": ("name: a/b\n", "1:7", "'a/b' cannot name a report", "`name:` is letters"),
    "empty list of values": (
        "factors: {depth: []}\n",
        "1:18",
        "factor 'depth' has no values",
        "list at least one",
    ),
    "rows as a list": ("rows: [a]\n", "1:7", "expected row names", ""),
    "row as a word": ("rows: {a: wide}\n", "1:11", "row 'a' wants settings", ""),
    "factors as a list": ("factors: [depth]\n", "1:10", "expected factor names", ""),
    "baseline as a list": ("baseline: [depth]\n", "1:11", "expected factor names", ""),
    "file as a list": ("- name\n", "1:1", "expected sections", ""),
    "list as a key": ("baseline: {[a]: 1}\n", "1:12", "a key must be a plain word", ""),
    "empty list of names": ("evaluate: []\n", "1:11", "at least one name", ""),
    "broken yaml": ("baseline: {depth: 2\nrows: x\n", "2:5", "not valid YAML", ""),
    "tab as indent": ("baseline:\n\tdepth: 2\n", "2:1", "not valid YAML", ""),
    "control character": ("name: \x01\n", "", "not valid YAML", ""),
    "empty file": ("", "", "the file is empty", "golf init"),
    "only a comment": ("# later\n", "", "the file is empty", "golf init"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_reported_at_its_line_and_column(tmp_path: Path, kind: str) -> None:
    text, place, what, hint = MISTAKES[kind]
    problem, *others = mistakes(tmp_path, text)
    assert not [p for p in others if p.where.startswith(f"{tmp_path / 'm.yaml'}:")]
    assert problem.where == f"{tmp_path / 'm.yaml'}{place and ':' + place}"
    assert what in problem.what
    assert hint in problem.hint


def test_all_mistakes_of_a_file_are_reported_at_once(tmp_path: Path) -> None:
    text = (
        "nam: x\n"
        "seeds: []\n"
        "baseline: {depht: 2, embed_bits: 9}\n"
        "factors:\n"
        "  head_dim: [32, wide]\n"
        "rows:\n"
        "  a: {parent: b, rope_base: 0.5}\n"
    )
    places = [p.where.removeprefix(f"{tmp_path / 'm.yaml'}:") for p in mistakes(tmp_path, text)]
    assert sorted(places) == ["1:1", "2:8", "3:12", "3:34", "5:18", "7:29", "7:3"]


def test_every_row_of_a_parent_circle_is_named(tmp_path: Path) -> None:
    text = "rows:\n  a: {parent: b, depth: 2}\n  b: {parent: a, depth: 3}\n"
    found = mistakes(tmp_path, text)
    assert [p.what for p in found] == [
        f"the parents of row {name!r} go round in a circle" for name in "ab"
    ]


def test_two_odd_numbers_are_both_refused(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "baseline: {depth: 0x10, seq_len: 1:30}\n")
    assert [p.what.split()[0] for p in found] == ["0x10", "1:30"]


def test_an_alias_that_contains_itself_is_refused(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "baseline: &a {x: *a}\n")
    assert "contains itself" in problem.what


def test_a_number_too_large_for_a_float_is_a_mistake_and_no_crash(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, f"baseline: {{rope_base: 1{'0' * 400}}}\n")
    assert "rope_base" in problem.what


def test_a_number_with_thousands_of_digits_is_a_mistake_and_no_crash(tmp_path: Path) -> None:
    assert mistakes(tmp_path, f"baseline: {{depth: 1{'0' * 5000}}}\n")


def test_the_budget_section_and_the_baseline_cannot_set_one_knob_twice(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "budget: {steps: 5}\nbaseline: {steps: 9}\n")
    assert "train.steps" in problem.what


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(GolfError) as caught:
        load_matrix(tmp_path / "none.yaml")
    assert str(caught.value) == f"{tmp_path / 'none.yaml'}: no such file"


@pytest.mark.parametrize("kind", ["folder", "latin-1"])
def test_an_unreadable_file_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "m.yaml"
    path.mkdir() if kind == "folder" else path.write_bytes(b"name: caf\xe9\n")
    with pytest.raises(GolfError, match="cannot be read") as caught:
        load_matrix(path)
    assert caught.value.problems[0].where == str(path)


def test_the_text_of_an_error_is_place_finding_and_next_step(tmp_path: Path) -> None:
    with pytest.raises(GolfError) as caught:
        load(tmp_path, "baseline:\n  model.gate_widht: 24\n")
    assert str(caught.value).splitlines() == [
        f"{tmp_path / 'm.yaml'}:2:3: unknown factor 'model.gate_widht'",
        f"  {caught.value.problems[0].hint}",
    ]


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


def test_an_included_file_lies_under_the_file_that_includes_it(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "base.yaml").write_text(
        "preset: quickstart\nseeds: [1, 2]\nbudget: {steps: 50}\n"
        "baseline: {depth: 3, bits: 6}\nrows: {a: {depth: 2}}\nwhere: [depth < 9]\n"
    )
    (tmp_path / "parts" / "rows.yaml").write_text("rows: {b: {depth: 4}}\n")
    matrix = load(
        tmp_path,
        "name: mine\ninclude: [parts/base.yaml, parts/rows.yaml]\nbudget: {seconds: 5}\n"
        "baseline: {bits: 5}\nrows: {c: {parent: a, bits: 4}}\n",
    )
    assert (matrix.name, matrix.preset, matrix.seeds) == ("mine", "quickstart", (1, 2))
    assert values(matrix) == {"model.depth": 3, "quant.bits": 5, "train.seconds": 5.0}
    assert [d.name for d in matrix.drafts] == ["a", "b", "c"]
    assert len(matrix.where) == 1
    assert matrix.drafts[0].where == f"{tmp_path / 'parts' / 'base.yaml'}:5:8"


def test_a_mistake_in_an_included_file_is_told_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("rows: {a: {depht: 2}}\n")
    (problem,) = mistakes(tmp_path, "include: base.yaml\n")
    assert problem.where == f"{tmp_path / 'base.yaml'}:1:12"


def test_files_that_include_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("include: m.yaml\n")
    (problem,) = mistakes(tmp_path, "include: other.yaml\n")
    assert (problem.where, problem.what) == (
        f"{tmp_path / 'other.yaml'}:1:10", "m.yaml includes itself in the end",
    )  # fmt: skip


def test_a_file_that_is_nested_without_end_is_refused_before_the_parser_falls(
    tmp_path: Path,
) -> None:
    for text in ("[" * 300_000, "rows: " + "[" * 60 + "]" * 60, "- " * 9_000 + "a"):
        (problem,) = mistakes(tmp_path, text)
        assert "nested more than 40 levels deep" in problem.what


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    found = mistakes(tmp_path, "\n".join(lines))
    assert "more than 500,000 values" in found[0].what


def test_a_yaml_anchor_repeats_its_settings(tmp_path: Path) -> None:
    matrix = load(tmp_path, "rows:\n  a: &x {depth: 2}\n  b: *x\n")
    assert values(matrix, "a") == values(matrix, "b") == {"model.depth": 2}


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


@pytest.mark.parametrize(
    ("text", "knob", "value"),
    [
        ("seq_len=512", "train.seq_len", 512),
        ("SOFTCAP=null", "model.logit_softcap", None),
        ("softcap=15", "model.logit_softcap", 15.0),
        (" depth = 3", "model.depth", 3),
        ("evaluate=[chunked, sliding8]", "eval.geometries", ("chunked", "sliding8")),
        ("data.dataset=a=b", "data.dataset", "a=b"),
        ("dataset=", "data.dataset", ""),
    ],
)
def test_an_override_is_read_like_a_setting(text: str, knob: str, value: object) -> None:
    name, setting = parse_override(text)
    assert (name, setting.value) == (knob, value)


def test_the_place_of_an_override_is_its_flag() -> None:
    assert parse_override("seq_len=512")[1].where == "--set seq_len=512"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("seq_len", "wants NAME=VALUE"),
        ("seq_lne=5", "unknown factor 'seq_lne'"),
        ("seq_len=long", "train.seq_len wants int"),
        ("embed_bits=9", "one of 2, 3"),
        ("seed=5", "seeds are listed"),
        ("depth=[", "not valid YAML"),
        ("depth=010", "read differently"),
    ],
)
def test_a_bad_override_is_reported_with_the_flag_as_its_place(text: str, what: str) -> None:
    with pytest.raises(GolfError, match=r"^--set ") as caught:
        parse_override(text)
    assert what in caught.value.problems[0].what
