"""Layers of settings become checked rows; what is wrong is said at the nearest setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf.config import rules
from golf.config.knob import Value
from golf.config.load import load_preset, parse_override, read_matrix
from golf.config.machine import Launch
from golf.config.resolve import CLIP_SIGMAS
from golf.config.rules import RULES, Rule
from golf.errors import GolfError, Problem
from golf.plan.expand import expand
from golf.plan.row import Row, Rows
from tests.conftest import CPU, tiny_rows

FILE = "m.yaml"


def plan(folder: Path, text: str, *sets: str, profile: str = "", ranks: int = 0) -> Rows:
    path = folder / FILE
    path.write_text(text, encoding="utf-8")
    matrix = read_matrix(path)
    launch = Launch(nproc_per_node=ranks) if ranks else matrix.launch
    return expand(matrix, launch, CPU, profile, dict(parse_override(s) for s in sets))


def mistakes(folder: Path, text: str, *sets: str, ranks: int = 0) -> list[Problem]:
    with pytest.raises(GolfError) as caught:
        plan(folder, text, *sets, ranks=ranks)
    return list(caught.value.problems)


def row(rows: Rows, name: str) -> Row:
    return next(r for r in rows.rows if r.name == name)


LAYERS = [
    ("", "baseline", 4.0),  # the default
    ("preset: quickstart\nbaseline: {mlp_mult: 3}", "baseline", 3.0),
    ("baseline: {mlp_mult: 3}\nrows: {r: {mlp_mult: 2.5}}", "r", 2.5),
    ("baseline: {mlp_mult: 3}\nrows: {r: {depth: 2}}", "r", 3.0),
    ("rows: {a: {mlp_mult: 3}, r: {parent: a, depth: 2}}", "r", 3.0),
    ("rows: {a: {mlp_mult: 3}, r: {parent: a, mlp_mult: 2}}", "r", 2.0),
    ("rows: {r: {parent: b, bits: 4}, b: {parent: a, depth: 2}, a: {mlp_mult: 2}}", "r", 2.0),
    ("rows: {r: {parent: b, bits: 4}, b: {parent: a, mlp_mult: 3}, a: {mlp_mult: 2}}", "r", 3.0),
    ("factors: {mlp_mult: [2, 3]}", "mlp_mult=2", 2.0),
]


@pytest.mark.parametrize(("text", "name", "expected"), LAYERS)
def test_a_later_layer_wins(tmp_path: Path, text: str, name: str, expected: float) -> None:
    rows = plan(tmp_path, "name: m\n" + text)
    assert row(rows, name).values["model.mlp_mult"] == expected


def test_a_preset_is_over_the_defaults_and_under_the_baseline(tmp_path: Path) -> None:
    baseline = plan(tmp_path, "preset: quickstart\nbaseline: {depth: 5}\n").rows[0]
    layer, _ = load_preset("quickstart")
    assert baseline.values["model.model_dim"] == layer["model.model_dim"].value
    assert baseline.origins["model.model_dim"] == layer["model.model_dim"].where
    assert baseline.values["model.depth"] == 5 != layer["model.depth"].value
    assert baseline.origins["model.depth"] == f"{tmp_path / FILE}:2:19"


def test_the_profile_scales_the_row_and_set_is_not_scaled(tmp_path: Path) -> None:
    text = "baseline: {steps: 8000}\nrows: {r: {steps: 6000, bits: 4}}\n"
    scaled = plan(tmp_path, text, profile="cpu")
    assert [r.values["train.steps"] for r in scaled.rows] == [400, 300]
    fixed = plan(tmp_path, text, "steps=70", profile="cpu")
    assert [r.values["train.steps"] for r in fixed.rows] == [70, 70]
    assert fixed.rows[1].origins["train.steps"].startswith("--set steps=70")


def test_the_profile_of_the_file_counts_unless_the_command_line_has_one(tmp_path: Path) -> None:
    text = "profile: smoke\nbaseline: {steps: 8000}\n"
    steps = [plan(tmp_path, text, profile=p).rows[0].values["train.steps"] for p in ("", "cpu")]
    assert steps == [80, 400]


@pytest.mark.parametrize(
    ("text", "sets", "steps", "seconds"),
    [
        ("budget: {seconds: 5}", (), None, 5.0),
        ("baseline: {seconds: 5}\nrows: {r: {steps: 7}}", (), 7, None),
        ("baseline: {steps: 5}\nrows: {r: {tokens: 20480}}", (), 10, None),
        ("rows: {a: {seconds: 5}, r: {parent: a, steps: 7}}", (), 7, None),
        ("rows: {a: {seconds: 5}, r: {parent: a, bits: 4}}", (), None, 5.0),
        ("budget: {seconds: 5}", ("steps=3",), 3, None),
        ("budget: {steps: 5}", ("tokens=2049",), 2, None),
        ("budget: {steps: 5}", ("time_budget=9",), None, 9.0),
    ],
)
def test_one_budget_clears_the_others(
    tmp_path: Path, text: str, sets: tuple[str, ...], steps: int | None, seconds: float | None
) -> None:
    values = plan(tmp_path, text, *sets).rows[-1].values
    assert (values["train.steps"], values["train.seconds"]) == (steps, seconds)
    assert values["train.tokens"] is None


@pytest.mark.parametrize(
    ("text", "frac", "steps"),
    [
        ("baseline: {warmdown_steps: 9}", 0.0, 9),
        ("baseline: {warmdown_steps: 9}\nrows: {r: {warmdown: 0.3}}", 0.3, None),
        ("baseline: {warmdown: 0.3}\nrows: {r: {warmdown_iters: 9}}", 0.0, 9),
    ],
)
def test_one_warmdown_clears_the_other(
    tmp_path: Path, text: str, frac: float, steps: int | None
) -> None:
    values = plan(tmp_path, text).rows[-1].values
    assert (values["train.warmdown_frac"], values["train.warmdown_steps"]) == (frac, steps)


def test_two_budgets_in_one_row_are_refused_where_the_second_stands(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "rows:\n  r:\n    steps: 5\n    seconds: 6\n")
    assert problem.where == f"{tmp_path / FILE}:4:14"
    assert problem.what == ("train.seconds and train.steps both set the budget")


BROKEN = {
    "heads do not divide the width": (
        "rows:\n  r: {n_head: 3}\n",
        "2:15",
        "model_dim 128 is not a multiple of n_head 3",
    ),
    "a head that cannot turn": (
        "rows:\n  r: {n_head: 128}\n",
        "2:15",
        "rotary embedding turns pairs of channels, 1 is odd",
    ),
    "a width that follows from the depth and does not fit": (
        "rows:\n  r: {aspect_ratio: 30}\n",
        "2:21",
        "model_dim 120 is not a multiple of head_dim 32",
    ),
    "positions that need no scaling": (
        "rows:\n  r: {rope_train_len: 256}\n",
        "2:23",
        "rope_train_len 256 scales nothing: sequences have 256 tokens",
    ),
    "a base for one pair": (
        "rows:\n  r: {rope_train_len: 32, rope_dims: 2}\n",
        "2:23",
        "ntk scaling needs at least 4 rotary channels",
    ),
    "shared channels with a position": (
        "rows:\n  r: {rope_dims: 28, shared_head_dim: 8}\n",
        "2:39",
        "shared_head_dim 8 and rope_dims 28 overlap in a head of 32",
    ),
    "shared channels where all are turned": (
        "rows:\n  r: {shared_head_dim: 8}\n",
        "2:24",
        "shared_head_dim 8 and rope_dims 32 overlap in a head of 32",
    ),
    "shared channels of one head": (
        "rows:\n  r: {n_head: 1, rope_dims: 16, shared_head_dim: 8}\n",
        "2:50",
        "one head shares with nobody",
    ),
    "value embeddings on no set of layers": (
        "rows:\n  r: {value_embed: some}\n",
        "2:20",
        "model.value_embed: 'some' names no layers",
    ),
    "value embeddings on a layer that is not there": (
        "rows:\n  r: {value_embed: '1,4'}\n",
        "2:20",
        "model.value_embed: there is no layer 4 among 4",
    ),
    "XSA on a layer that is not there": (
        "rows:\n  r: {xsa: '9'}\n",
        "2:12",
        "model.xsa: there is no layer 9 among 4",
    ),
    "a smear gate wider than the stream": (
        "rows:\n  r: {smear: v2, smear_width: 129}\n",
        "2:31",
        "model.smear_width 129 exceeds model_dim 128",
    ),
    "a value residual of one block": (
        "rows:\n  r: {depth: 1, value_residual: true}\n",
        "2:33",
        "value_residual needs a second block",
    ),
    "a value residual whose source is looped": (
        "rows:\n  r: {value_residual: true, loop_count: 1}\n",
        "2:23",
        "value_residual passes the first block's values on",
    ),
    "skips of one block": (
        "rows:\n  r: {depth: 1, skips: plain}\n",
        "2:24",
        "skips join two blocks; there is one",
    ),
    "parallel blocks after the last": (
        "rows:\n  r: {parallel: one_stream, parallel_start: 4}\n",
        "2:17",
        "parallel_start 4 is not one of 4 blocks",
    ),
    "a loop from two lanes into one": (
        "rows:\n  r: {parallel: two_lane, parallel_start: 2, loop_count: 1, loop_end: 2}\n",
        "2:17",
        "a loop cannot run back from two lanes into one: it must end before block 2",
    ),
    "a loop beyond the depth": (
        "rows:\n  r: {loop_count: 1, loop_end: 4}\n",
        "2:32",
        "blocks 0 to 4 are no stretch of 4 blocks",
    ),
    "a loop that ends before it starts": (
        "rows:\n  r: {loop_count: 1, loop_start: 3}\n",
        "2:34",
        "blocks 3 to 1 are no stretch of 4 blocks",
    ),
    "a pair table of one row": (
        "rows:\n  r: {bigram_buckets: 1}\n",
        "2:23",
        "bigram_buckets 1 leaves no row for pairs",
    ),
    "an MLP of one channel": (
        "rows:\n  r: {mlp_mult: 0.01}\n",
        "2:17",
        "the MLP needs at least 2 hidden channels, mlp_mult gives 1",
    ),
    "heads do not fill the width": (
        "rows:\n  r:\n    model_dim: 100\n",
        "3:16",
        "model_dim 100 is not a multiple of head_dim 32",
    ),
    "key heads do not divide the heads": (
        "rows:\n  r: {n_kv_head: 3}\n",
        "2:18",
        "4 query heads cannot share n_kv_head 3 evenly",
    ),
    "an odd rotation": (
        "rows:\n  r: {rope_dims: 5}\n",
        "2:18",
        "rotary embedding turns pairs of channels, 5 is odd",
    ),
    "a rotation wider than the head": (
        "rows:\n  r: {rope_dims: 64}\n",
        "2:18",
        "rope_dims 64 exceeds head_dim 32",
    ),
    "a window of another letter": (
        "rows:\n  r: {window_pattern: SM}\n",
        "2:23",
        "window_pattern is letters S (short) and L (full)",
    ),
    "a gate wider than the stream": (
        "rows:\n  r: {attn_gate: out_gate, gate_width: 200}\n",
        "2:40",
        "model.gate_width 200 exceeds model_dim 128",
    ),
    "a value gate wider than the stream": (
        "rows:\n  r: {value_embed: all, value_gate_width: 200}\n",
        "2:43",
        "model.value_gate_width 200 exceeds model_dim 128",
    ),
    "no budget": (
        "rows:\n  r: {steps: null}\n",
        "2:14",
        "a training needs one budget: steps, tokens or seconds",
    ),
    "a broken sequence in the batch": (
        "rows:\n  r: {batch_tokens: 1000}\n",
        "2:21",
        "batch_tokens 1000 is not a whole number of sequences of 256",
    ),
    "a micro batch that divides nothing": (
        "rows:\n  r: {micro_tokens: 768}\n",
        "2:21",
        "micro_tokens 768 must be whole sequences of 256 and divide a rank's share",
    ),
    "ramps that overlap": (
        "rows:\n  r: {warmup_frac: 0.7}\n",
        "2:20",
        "warmup and warmdown together take 1.2 of the budget",
    ),
    "growth from the whole model": (
        "rows:\n  r: {grow_from: 4}\n",
        "2:18",
        "a model of 4 blocks cannot grow from 4",
    ),
    "growth of a loop": (
        "rows:\n  r: {grow_from: 1, loop_count: 1}\n",
        "2:18",
        "the loop ends at block 1, beyond the first 1 blocks",
    ),
    "growth with XSA on some layers": (
        "rows:\n  r: {grow_from: 2, xsa: 'last:2'}\n",
        "2:18",
        "model.xsa names layers of the grown model",
    ),
    "an unknown geometry": (
        "evaluate: [chunk]\n",
        "1:11",
        "unknown geometry 'chunk'; there are chunked, slidingN, documents and documentsN",
    ),
    "a stride beyond the window": (
        "evaluate: [sliding512]\n",
        "1:11",
        "the stride of sliding512 is more than a window of 256 tokens",
    ),
    "a stride of nothing": ("evaluate: sliding0\n", "1:11", "unknown geometry 'sliding0'"),
    "a stride beyond a short window": (
        "rows:\n  r: {ttt: sgd, ttt_geometry: documents200, eval_seq_len: 128}\n",
        "2:31",
        "the stride of documents200 is more than a window of 128 tokens",
    ),
    "too few channels to stretch": (
        "rows:\n  r: {rope_dims: 2, eval_seq_len: 512, eval_rope_scaling: ntk}\n",
        "2:59",
        "ntk scaling needs at least 4 rotary channels",
    ),
    "operators in shards": (
        "rows:\n  r: {caseops: true, dataset: elsewhere}\n",
        "2:16",
        "caseops rewrites text, and shards are tokens already",
    ),
    "an adapter nowhere": (
        "rows:\n  r: {ttt: lora, ttt_lora_targets: [q, up]}\n",
        "2:36",
        "no place 'up' for adapters; there are q, k, v, o, mlp, head",
    ),
    "a chunk beyond the window": (
        "rows:\n  r: {ttt: lora, ttt_chunk_size: 300}\n",
        "2:34",
        "lora_chunk 300 is more than a window of 256 tokens",
    ),
    "frozen blocks that do not exist": (
        "rows:\n  r: {ttt: sgd, ttt_freeze_blocks: 9}\n",
        "2:36",
        "freeze_blocks 9 is more than the model's 4 blocks",
    ),
    "a sixth step of Polar Express": (
        "rows:\n  r: {muon_ns: polar, muon_ns_steps: 6}\n",
        "2:38",
        "Polar Express has coefficients for 5 steps, muon_ns_steps is 6",
    ),
    "two averages": (
        "rows:\n  r: {ema_decay: 0.9, swa_start: 0.5}\n",
        "2:34",
        "one average is exported: set ema_decay to 0 or swa_start to null",
    ),
    "a broken sequence in adaptation": (
        "rows:\n  r: {ttt: sgd, ttt_batch_tokens: 300}\n",
        "2:35",
        "ttt.batch_tokens 300 is not a whole number of sequences of 256",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_rule_is_reported_at_the_nearest_setting(tmp_path: Path, kind: str) -> None:
    text, place, what = BROKEN[kind]
    (problem,) = mistakes(tmp_path, text)
    assert problem.where == f"{tmp_path / FILE}:{place}"
    assert what in problem.what
    assert "in row" in problem.hint


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r[1].__name__.strip("_"))
def test_every_rule_is_broken_by_a_case_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: tuple[tuple[str, ...], Rule]
) -> None:
    monkeypatch.setattr(rules, "RULES", (rule,))
    caught = 0
    for text, _, what in BROKEN.values():
        try:
            plan(tmp_path, text)
        except GolfError as error:
            caught += what in error.problems[0].what
    assert caught, f"add a case to BROKEN for {rule[1].__name__}"


def test_a_row_that_breaks_a_rule_by_inheritance_points_at_the_baseline(tmp_path: Path) -> None:
    text = "baseline:\n  model_dim: 96\nrows:\n  r: {head_dim: 64}\n  s: {bits: 4}\n"
    (problem,) = mistakes(tmp_path, text)
    assert (problem.where, problem.hint) == (f"{tmp_path / FILE}:4:17", "in row 'r'")


def test_a_rule_that_only_the_launch_breaks_points_at_the_file(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "name: m\n", ranks=3)
    assert problem.where == str(tmp_path / FILE)
    assert problem.what.endswith("whole number of sequences of 256 on each of 3 processes")


def test_all_broken_rows_are_reported_at_once(tmp_path: Path) -> None:
    text = "rows:\n  a: {n_kv_head: 3}\n  b: {rope_dims: 5}\n  c: {gate_width: 5}\n"
    lines = [p.where.split(":")[1] for p in mistakes(tmp_path, text)]
    assert lines == ["2", "3", "4"]


def test_a_letter_beyond_the_depth_is_refused_too(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "baseline: {depth: 2, window_pattern: SX}\n")
    assert "window_pattern" in problem.what


def test_a_bad_pattern_is_quoted_as_it_was_written(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "baseline: {window_pattern: SX}\n")
    assert problem.what.endswith("found 'SX'")


RELATIVE = [
    ("rows: {r: {n_kv_head: = n_head / 2}}", "model.n_kv_head", 2),
    ("rows: {r: {n_kv_head: = n_head / 2, model_dim: 256}}", "model.n_kv_head", 4),
    ("baseline: {n_kv_head: = n_head / 2}\nrows: {r: {model_dim: 256}}", "model.n_kv_head", 4),
    ("baseline: {n_kv_head: = n_head / 2}\nrows: {r: {n_kv_head: 1}}", "model.n_kv_head", 1),
    ("rows: {r: {depth: 6, model_dim: = depth * 64}}", "model.model_dim", 384),
    ("baseline: {model_dim: = depth * 32}\nrows: {r: {depth: 6}}", "model.model_dim", 192),
    (
        "rows: {r: {n_kv_head: = n_head / 3, model_dim: = head_dim * depth, depth: 6}}",
        "model.n_kv_head",
        2,
    ),
    ("rows: {r: {gate_width: = n_kv_head * 2, attn_gate: out_gate}}", "model.gate_width", 8),
    ("rows: {r: {warmdown_frac: = 1 / 4}}", "train.warmdown_frac", 0.25),
    ("factors: {depth: [= n_head + 2]}", "model.depth", 6),
]


@pytest.mark.parametrize(("text", "name", "expected"), RELATIVE)
def test_a_relative_value_follows_the_rest_of_its_row(
    tmp_path: Path, text: str, name: str, expected: Value
) -> None:
    value = plan(tmp_path, text + "\n").rows[-1].values[name]
    assert (value, type(value)) == (expected, type(expected))


def test_a_relative_value_is_told_as_it_was_written(tmp_path: Path) -> None:
    rows = plan(tmp_path, "factors: {n_kv_head: [= n_head / 2]}\n")
    assert (rows.rows[1].name, rows.rows[1].change) == ("n_kv_head=n_head / 2",
                                                       "n_kv_head = n_head / 2")  # fmt: skip


def test_an_override_moves_what_is_relative_to_it(tmp_path: Path) -> None:
    text = "rows: {r: {n_kv_head: = n_head / 2}}\n"
    assert row(plan(tmp_path, text, "model_dim=256"), "r").values["model.n_kv_head"] == 4
    relative = plan(tmp_path, "name: m\n", "n_kv_head= = n_head / 4").rows[0]
    assert relative.values["model.n_kv_head"] == 1


PROFILED = [
    # the knob is scaled like what it refers to: it follows
    ("baseline: {model_dim: 512, head_dim: 128, rope_dims: = head_dim / 4}", "model.rope_dims", 8),
    # the number carries the width: the result is scaled
    ("baseline: {depth: 8, model_dim: = depth * 64}", "model.model_dim", 128),
    # no profile scales the knob: it follows the scaled shape
    ("baseline: {model_dim: 512, n_kv_head: = n_head / 2}", "model.n_kv_head", 8),
    ("baseline: {head_dim: 16, rope_dims: = head_dim / 4}", "model.rope_dims", 2),
]


@pytest.mark.parametrize(("text", "name", "expected"), PROFILED)
def test_a_profile_and_a_relative_value_agree_on_the_size(
    tmp_path: Path, text: str, name: str, expected: Value
) -> None:
    text = f"{text}\nrows: {{r: {{bits: 4}}}}\n"
    assert plan(tmp_path, text, profile="cpu").rows[0].values[name] == expected


BAD_RELATIVE = [
    ("rows:\n  r: {n_kv_head: = n_head / 3}\n", "2:18",
     "model.n_kv_head wants int or null, found 1.3333333333333333 from `n_head / 3`", "rounds"),
    ("rows:\n  r: {depth: = n_head - 9}\n", "2:14",
     "model.depth is at least 1 layer, found -5 from `n_head - 9`", "in row 'r'"),
    ("rows:\n  r: {depth: = seconds * 2}\n", "2:14", "seconds is null", "in row 'r'"),
    ("rows:\n  r: {depth: = n_head == 4}\n", "2:14", "`n_head == 4` is True", "in row 'r'"),
    ("baseline: {depth: = n_head / 0}\n", "1:19", "a division by zero", "in row 'baseline'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place", "what", "hint"), BAD_RELATIVE)
def test_a_relative_value_that_does_not_fit_is_reported_where_it_stands(
    tmp_path: Path, text: str, place: str, what: str, hint: str
) -> None:
    (problem,) = mistakes(tmp_path, text)
    assert problem.where == f"{tmp_path / FILE}:{place}"
    assert what in problem.what
    assert hint in problem.hint


def test_relative_values_that_go_round_in_a_circle_are_all_named(tmp_path: Path) -> None:
    text = "rows: {r: {depth: = n_kv_head, n_kv_head: = depth}}\n"
    found = [p.what.split(" is relative to itself")[0] for p in mistakes(tmp_path, text)]
    assert found == ["model.depth", "model.n_kv_head"]


def test_a_row_may_have_seeds_of_its_own(tmp_path: Path) -> None:
    text = "seeds: [42]\nrows: {r: {bits: 4, seeds: [42, 314]}}\n"
    rows = plan(tmp_path, text)
    assert [r.seeds for r in rows.rows] == [(42,), (42, 314)]
    assert rows.seeds == (42, 314)


def test_other_seeds_alone_do_not_make_another_row(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "seeds: [42]\nrows: {r: {seeds: [42, 314]}}\n")
    assert "is the same as row 'baseline'" in problem.what


def dropped(rows: Rows) -> dict[str, str]:
    return {d.name: d.reason for d in rows.dropped}


def test_a_grid_keeps_what_meets_its_constraints_and_says_why_the_rest_is_dropped(
    tmp_path: Path,
) -> None:
    rows = plan(
        tmp_path,
        "grid: {model_dim: [96, 128], head_dim: [32, 64]}\n"
        "where:\n  - model_dim % head_dim == 0: heads fill the width\n  - n_head > 1\n"
        "rows: {odd: {depth: 2}}\n",
    )
    assert [r.name for r in rows.rows] == [
        "baseline", "model_dim=96 head_dim=32", "model_dim=128 head_dim=64", "odd",
    ]  # fmt: skip
    assert dropped(rows) == {
        "model_dim=96 head_dim=64": "where: model_dim % head_dim == 0 (heads fill the width)",
        "model_dim=128 head_dim=32": "it is the same as baseline",
    }


def test_constraints_leave_rows_with_a_name_alone(tmp_path: Path) -> None:
    rows = plan(tmp_path, "factors: {depth: [2, 6]}\nrows: {r: {depth: 8}}\nwhere: depth < 5\n")
    assert [r.name for r in rows.rows] == ["baseline", "depth=2", "r"]
    assert dropped(rows) == {"depth=6": "where: depth < 5"}


def test_excluded_combinations_are_dropped(tmp_path: Path) -> None:
    text = (
        "grid: {depth: [2, 3], bits: [4, 5]}\nexclude:\n  - {depth: 2, bits: 4, why: too small}\n"
    )
    rows = plan(tmp_path, text)
    assert dropped(rows) == {"depth=2 bits=4": "exclude: depth 2, bits 4 (too small)"}
    assert len(rows.rows) == 4


def test_an_exclusion_that_meets_no_row_is_a_mistake(tmp_path: Path) -> None:
    text = "grid: {depth: [2, 3]}\nexclude: [{depth: 7}]\n"
    (problem,) = mistakes(tmp_path, text)
    assert problem.where == f"{tmp_path / FILE}:2:11"
    assert "excludes nothing" in problem.what


def test_a_point_whose_factor_is_idle_is_dropped_unless_it_is_idle_in_all(tmp_path: Path) -> None:
    text = "grid: {attn_gate: [none, out_gate], gate_width: [8, 24]}\n"
    rows = plan(tmp_path, text)
    assert [r.name for r in rows.rows[1:]] == [
        "attn_gate=out_gate gate_width=8", "attn_gate=out_gate gate_width=24",
    ]  # fmt: skip
    assert set(dropped(rows).values()) == {
        "model.gate_width changes nothing while model.attn_gate is none"
    }
    found = mistakes(tmp_path, "grid: {depth: [2, 3], gate_width: [8, 24]}\n")
    assert [p.where.split(":")[-1] for p in found] == ["36", "39"]


def test_a_row_cannot_build_on_a_point_that_is_dropped(tmp_path: Path) -> None:
    text = (
        "grid: {depth: [2, 6]}\nwhere: [depth < 5]\nrows:\n  r: {parent: depth=6, bits: 4}\n"
        "  s: {same_as: depth=6, bits: 4}\n"
    )
    first = mistakes(tmp_path, text)[0]
    assert first.what == "row 'r' builds on 'depth=6', which is dropped"
    assert first.hint == "where: depth < 5"


@pytest.mark.parametrize(
    ("constraint", "what"),
    [("depth % 2", "`depth % 2` is 0, neither"), ("depth % (depth - 2) == 1", "division by zero")],
)
def test_a_constraint_that_is_no_question_is_a_mistake(
    tmp_path: Path, constraint: str, what: str
) -> None:
    (problem,) = mistakes(tmp_path, f"grid: {{depth: [2]}}\nwhere: [{constraint}]\n")
    assert problem.where == f"{tmp_path / FILE}:2:9"
    assert what in problem.what


def test_a_grid_point_that_breaks_a_rule_is_a_mistake(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "grid: {head_dim: [32, 48], depth: [2]}\n")
    assert "not a multiple of head_dim 48" in problem.what


def test_what_cannot_be_read_and_what_cannot_be_meant_are_told_at_once(tmp_path: Path) -> None:
    text = (
        "seeds: []\n"
        "baseline: {value_gate_width: 4}\n"
        "rows:\n"
        "  a: {depht: 2}\n"
        "  b: {n_kv_head: 3}\n"
        "  c: {gate_width: 5}\n"
        "  d: {parent: a, n_kv_head: 3}\n"
        "  e: {depth: 010, depth: 4}\n"
        "  f: {}\n"
        "factors: {head_dim: [48, wide]}\n"
    )
    places = [p.where.removeprefix(f"{tmp_path / FILE}:") for p in mistakes(tmp_path, text)]
    assert places == ["1:8", "4:7", "5:18", "6:19", "8:14", "8:19", "10:22", "10:26"]


BOTH = "budget: {seconds: 5, steps: 40, both: [seconds, steps]}\n"


def test_every_row_may_run_under_two_budgets(tmp_path: Path) -> None:
    made = plan(tmp_path, BOTH + "rows: {r: {depth: 2}}\n").rows[1]
    assert (made.values["train.seconds"], made.values["train.steps"]) == (5.0, None)
    (other,) = made.also.values()
    assert list(made.also) == ["steps"]
    assert (other.values["train.seconds"], other.values["train.steps"]) == (None, 40)
    assert other.values["model.depth"] == 2


def test_a_profile_scales_both_budgets_and_set_replaces_both(tmp_path: Path) -> None:
    text = BOTH.replace("40", "4000").replace("5,", "500,")
    scaled = plan(tmp_path, text, profile="smoke").rows[0]
    assert (scaled.values["train.seconds"], scaled.also["steps"].values["train.steps"]) == (1.0, 40)
    assert plan(tmp_path, text, "steps=7").rows[0].also == {}


def test_a_row_cannot_have_a_budget_of_its_own_beside_both(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, BOTH + "rows: {r: {steps: 9}}\n")
    assert problem.where == f"{tmp_path / FILE}:2:19"
    assert "every row runs under both budgets" in problem.what


POINTS = [
    ("budget: {steps: 4000}\nbaseline: {warmdown_frac: 1000 steps}", 0.25),
    ("budget: {seconds: 600}\nbaseline: {warmdown_frac: 150 seconds}", 0.25),
    ("budget: {seconds: 600}\nbaseline: {warmdown_frac: 60 s}", 0.1),
    ("budget: {steps: 100}\nbaseline: {batch_tokens: 1024, warmdown_frac: 25600 tokens}", 0.25),
    ("budget: {tokens: 102400}\nbaseline: {batch_tokens: 1024, warmdown_frac: 10 steps}", 0.1),
    ("baseline: {steps: 50}\nrows: {r: {steps: 200, warmdown: 50 steps}}", 0.25),
]


@pytest.mark.parametrize(("text", "share"), POINTS)
@pytest.mark.parametrize("profile", ["", "smoke"])
def test_a_stretch_of_training_may_be_steps_tokens_or_seconds(
    tmp_path: Path, text: str, share: float, profile: str
) -> None:
    made = plan(tmp_path, text + "\n", profile=profile).rows[-1]
    assert made.values["train.warmdown_frac"] == share


def test_a_point_is_told_as_it_was_written(tmp_path: Path) -> None:
    made = plan(tmp_path, "factors: {warmdown_frac: [20 steps]}\n").rows[1]
    assert (made.name, made.change) == ("warmdown_frac=20 steps", "warmdown_frac 20 steps")


def test_a_point_in_another_unit_than_the_budget_is_a_mistake(tmp_path: Path) -> None:
    text = "budget: {seconds: 60}\nbaseline: {warmdown_frac: 20 steps}\n"
    (problem,) = mistakes(tmp_path, text)
    assert problem.where == f"{tmp_path / FILE}:2:27"
    assert problem.what == "steps is null, which is no number, in `20 steps`"
    both = BOTH + "baseline: {warmdown_frac: 20 steps}\n"
    assert [p.where for p in mistakes(tmp_path, both)] == [f"{tmp_path / FILE}:2:27"]


def test_a_point_beyond_the_budget_is_a_mistake(tmp_path: Path) -> None:
    text = "budget: {steps: 10}\nbaseline: {warmdown_frac: 20 steps}\n"
    (problem,) = mistakes(tmp_path, text)
    assert "is at most 1 x budget, found 2 from `20 steps`" in problem.what


IRRELEVANT = [
    ("rows:\n  r: {gate_width: 24}\n", "2:19", "model.gate_width", "model.attn_gate is none"),
    ("rows:\n  r: {short_window: 0.25}\n", "2:21", "model.short_window", "window_pattern is L"),
    ("rows:\n  r: {ttt_lr: 0.1}\n", "2:15", "ttt.lr", "ttt.method is none"),
    ("rows:\n  r: {value_gate: fixed}\n", "2:19", "model.value_gate", "value_embed is none"),
    (
        "rows:\n  r: {value_embed: all, value_gate: fixed, value_gate_width: 4}\n",
        "2:62",
        "model.value_gate_width",
        "model.value_gate is fixed",
    ),
    ("factors:\n  GATE_WIDTH: [24]\n", "2:16", "model.gate_width", "model.attn_gate is none"),
    ("baseline: {gate_width: 24}\n", "1:24", "model.gate_width", "model.attn_gate is none"),
]


@pytest.mark.parametrize(("text", "place", "knob", "need"), IRRELEVANT)
def test_a_setting_that_nothing_reads_is_an_error_that_names_what_it_needs(
    tmp_path: Path, text: str, place: str, knob: str, need: str
) -> None:
    (problem,) = mistakes(tmp_path, text)
    assert problem.where == f"{tmp_path / FILE}:{place}"
    assert problem.what.startswith(f"{knob} changes nothing while ")
    assert problem.what.endswith(need)
    assert problem.hint.startswith(f"set {problem.what.split()[-3]} to ")


def test_the_hint_names_the_values_that_make_a_setting_count(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "rows:\n  r: {VE_GATE: fixed}\n")
    assert problem.hint == "set model.value_embed to a value in row 'r', or drop VE_GATE"


def test_an_override_that_nothing_reads_is_an_error(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "name: m\n", "gate_width=24")
    assert problem.where.startswith("--set gate_width=24")
    assert "model.attn_gate is none" in problem.what


def test_an_override_counts_if_one_row_reads_it(tmp_path: Path) -> None:
    text = "rows: {r: {attn_gate: out_gate}}\n"
    assert row(plan(tmp_path, text, "gate_width=24"), "r").values["model.gate_width"] == 24


def test_a_setting_of_the_baseline_counts_if_one_row_reads_it(tmp_path: Path) -> None:
    text = "baseline: {gate_width: 24}\nrows: {r: {attn_gate: out_gate}}\n"
    assert row(plan(tmp_path, text), "r").values["model.gate_width"] == 24


def test_a_short_window_as_long_as_the_sequence_is_a_row_of_its_own(tmp_path: Path) -> None:
    text = "baseline: {window_pattern: SL}\nfactors: {short_window: [0.25, 1.0]}\n"
    assert len(plan(tmp_path, text).rows) == 3


@pytest.mark.parametrize(
    "settings",
    ["", "depth: 4", "n_kv_head: 4", "rope_dims: 32", f"clip_sigmas: {CLIP_SIGMAS[8]}",
     "window_pattern: LL", "tokens: 409600", "micro_tokens: 2048", "n_kv_head: null"],
)  # fmt: skip
def test_a_row_that_equals_the_baseline_is_an_error(tmp_path: Path, settings: str) -> None:
    (problem,) = mistakes(tmp_path, f"rows:\n  r: {{{settings}}}\n")
    assert problem.where == f"{tmp_path / FILE}:2:3"
    assert problem.what == "row 'r' is the same as row 'baseline': it changes nothing"
    assert "same_as" in problem.hint


def test_a_row_that_equals_another_row_is_an_error_that_names_it(tmp_path: Path) -> None:
    text = "factors: {depth: [2]}\nrows: {r: {num_layers: 2}}\n"
    (problem,) = mistakes(tmp_path, text)
    assert problem.what == "row 'r' is the same as row 'depth=2': it changes nothing"


def test_a_row_may_say_which_row_it_equals(tmp_path: Path) -> None:
    text = "rows:\n  a: {depth: 2}\n  b: {depth: 2, same_as: a}\n"
    assert [r.name for r in plan(tmp_path, text).rows] == ["baseline", "a", "b"]


def test_a_row_that_wrongly_says_it_equals_another_is_an_error(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "rows:\n  a: {depth: 2}\n  b: {depth: 3, same_as: a}\n")
    assert problem.what == "row 'b' says same_as 'a', but they differ"


@pytest.mark.parametrize("setting", ["log_every: 3", "evaluate: [sliding64]", "eval_tokens: 9"])
def test_what_all_rows_share_cannot_be_set_in_one(tmp_path: Path, setting: str) -> None:
    (problem,) = mistakes(tmp_path, f"rows:\n  r: {{{setting}, bits: 4}}\n")
    assert problem.where.endswith("m.yaml:2:7")
    assert "is the same for every row" in problem.what


def test_the_change_is_told_in_the_words_of_the_user(tmp_path: Path) -> None:
    text = (
        "factors:\n  SOFTCAP: [15]\nrows:\n"
        "  r: {num_kv_heads: 2, quant.embed_bits: 6, parent: p}\n  p: {depth: 2, note: thin}\n"
    )
    found = [(r.name, r.change, r.parent, r.note) for r in plan(tmp_path, text).rows]
    assert found == [
        ("baseline", "", "", ""),
        ("SOFTCAP=15", "SOFTCAP 15", "baseline", ""),
        ("r", "num_kv_heads 2, quant.embed_bits 6", "p", ""),
        ("p", "depth 2", "baseline", "thin"),
    ]


def seeds(rows: Rows, name: str = "baseline") -> list[tuple[Value, Value]]:
    made = [row(rows, name).seeded(s) for s in rows.seeds]
    return [(v["train.seed"], v["train.data_seed"]) for v in made]


@pytest.mark.parametrize(
    ("baseline", "data_seeds"),
    [("{}", [1, 2]), ("{data_seed: 7}", [7, 7]), ("{data_seed: null}", [1, 2])],
)
def test_the_data_seed_is_the_seed_unless_it_is_set(
    tmp_path: Path, baseline: str, data_seeds: list[int]
) -> None:
    rows = plan(tmp_path, f"seeds: [1, 2]\nbaseline: {baseline}\n")
    assert seeds(rows) == list(zip([1, 2], data_seeds, strict=True))


def test_the_values_of_a_row_are_those_of_the_first_seed(tmp_path: Path) -> None:
    values = plan(tmp_path, "seeds: [3, 4]\n").rows[0].values
    assert (values["train.seed"], values["train.data_seed"]) == (3, 3)


@pytest.mark.parametrize("data_seed", [1, 2, 7, 1337])
def test_a_data_seed_for_all_seeds_is_a_row_of_its_own(tmp_path: Path, data_seed: int) -> None:
    rows = plan(tmp_path, f"seeds: [1, 2]\nrows: {{r: {{data_seed: {data_seed}}}}}\n")
    assert seeds(rows, "r") == [(1, data_seed), (2, data_seed)]


@pytest.mark.parametrize(
    ("settings", "name", "expected"),
    [
        ({"train.tokens": 1000}, "train.steps", 4),
        ({"model.n_kv_head": None}, "model.n_kv_head", 2),
        ({"model.rope_dims": 32}, "model.rope_dims", 0),
        ({"model.window_pattern": "SL", "model.depth": 5}, "model.window_pattern", "SLSLL"),
        ({"model.window_pattern": "S", "model.depth": 3}, "model.window_pattern", "SSL"),
        ({"model.window_pattern": "S", "model.depth": 1}, "model.window_pattern", "L"),
        ({"quant.bits": 4}, "quant.clip_sigmas", CLIP_SIGMAS[4]),
        ({"quant.bits": 4, "quant.clip_sigmas": 5.0}, "quant.clip_sigmas", 5.0),
        ({"train.batch_tokens": 128 * 12}, "train.micro_tokens", 128 * 12),
        ({"train.batch_tokens": 128 * 34}, "train.micro_tokens", 128 * 2),
        ({"train.batch_tokens": 128 * 37}, "train.micro_tokens", 128),
    ],
)
def test_open_values_are_filled_in(settings: dict[str, Value], name: str, expected: Value) -> None:
    base = {
        "data.dataset": "sotu-small", "model.depth": 2, "model.model_dim": 64,
        "model.head_dim": 32, "train.seq_len": 128, "train.batch_tokens": 256, **settings,
    }  # fmt: skip
    assert tiny_rows(base).rows[0].values[name] == expected
