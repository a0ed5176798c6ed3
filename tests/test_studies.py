"""The shipped matrices hold the rows of their studies, and stay distinct under every profile."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from golf.config.load import load_matrix
from golf.config.machine import Launch
from golf.config.profiles import PROFILES
from golf.config.schema import group_from
from golf.config.schema.model import ModelConfig
from golf.model.gpt import build_gpt
from golf.plan.cells import plan_matrix
from golf.plan.expand import expand
from golf.plan.row import Row
from tests.conftest import CPU
from tests.plan.played import fixed, planned, play, write_matrix

MATRICES = Path(__file__).parent.parent / "matrices"
STUDIES = ("attention", "depth-width", "shared-attention", "gates-rope-slope", "xsa-gain")

# Row, parent, change, as published ("1" is the base of S5).
XSA_GAIN = """
2 1 muon_wd 0.02
3 2 mlp_mult 3
4 2 seq_len 2048
5 4 ema_decay 0.997, ema_debias false
6 4 leaky_slope 0.75
7 4 xsa all
8 7 swa_start 0.5, swa_every 50
9 7 muon_wd 0.04
10 9 embed_wd 0.04, embed_wd_mode coupled
11 9 seq_len 4096
12 9 muon_momentum 0.99
13 9 warmdown_iters 400
14 13 warmdown_iters 200
15 14 warmdown_iters 100
16 14 muon_backend_steps 7
17 14
18 14 muon_momentum_warmup_steps 200
19 18 logit_softcap 50
20 18 grad_clip_norm 1
21 20 logit_softcap 20
22 21 muon_wd 0.06
23 22 qk_gain_init 2
24 23 qk_gain_init 3
25 24 qk_gain_init 4
26 25 rope_base 1000
27 25 scalar_lr 0.06
28 25 tied_embed_init_std 0.01
29 25 tied_embed_lr 0.08
30 25 rotate true
31 25 int8_clip_percentile 99.5
32 20 seconds 3600, warmdown_iters 1200, matrix_optimizer mud, mud_passes 2
33 32 num_layers 11
34 33 mlp_mult 3
35 34 ema_decay 0.997, ema_debias false, ema_start 0.8
36 34 matrix_optimizer muon, rope_dims 16, ln_scale residual, xsa all, qk_gain_init 4, \
muon_wd 0.06, seq_len 2048, grad_clip_norm 0.3
37 36 qat_bits 6, qat_at 0.95
38 36 grow_from 5, grow_at 0.6
39 36 num_layers 4, loop_start 0, loop_end 3, num_loops 2, loop_lora_rank 16
40 36 warmdown_shape cosine
41 36 xsa_gated true
"""
ATTENTION = {
    "2A": "window_pattern SSLL", "2B": "window_pattern L", "2C": "window_pattern SL",
    "2D": "window_pattern SSSLSSLL", "7A": "head_dim 64", "7B": "head_dim 96, width_rounding up",
    "4A": "n_kv_head = n_head / 2", "4B": "n_kv_head 1",
    "4C": "n_kv_head = n_head / 2, depth = depth + 1, model_dim = model_dim",
    "5A": "value_embed all", "5B": "value_embed none", "5C": "value_gate fixed",
    "6A": "logit_softcap 30", "6B": "logit_softcap null",
}  # fmt: skip
PRIORITIES = {
    "high": {"2A", "2C", "7A"}, "medium": {"2B", "4A", "4C", "5A", "5B", "6A", "6B"},
    "low": {"2D", "7B", "4B", "5C"},
}  # fmt: skip
GATES = """
optimized_v1 gates_caseops warmdown_frac 0.85, adam_beta2 0.99, embed_clip_sigmas 14, \
mlp_clip_sigmas 11.5, ttt_beta2 0.99
rope24 gates_caseops rope_dims 24
rope32 gates_caseops rope_dims 32
v2_baseline gates_caseops embed_bits 6
v2_slope03 v2_baseline leaky_slope 0.3
v2_slope00 v2_baseline leaky_slope 0
v2_gate32 v2_baseline gate_width 32, smear_width 32
lzma gates_caseops compressor lzma
lqer_gates gates_caseops lqer true
warmdown_085 gates_caseops warmdown_frac 0.85
beta2_099 gates_caseops adam_beta2 0.99
embed_clip_14 gates_caseops embed_clip_sigmas 14
mlp_clip_115 gates_caseops mlp_clip_sigmas 11.5
ttt_beta2_099 gates_caseops ttt_beta2 0.99
nine_overrides gates_caseops warmdown_frac 0.85, adam_beta2 0.99, embed_clip_sigmas 14, \
mlp_clip_sigmas 11.5, ttt_beta2 0.99, ttt_weight_decay 0.5, ttt_lora_rank 80, attn_gate sparse, \
gate_scale 0.5, gate_src normed, phased_ttt_prefix_docs 2500
"""
SHAPES = {  # row of S2: width, heads, parameters in millions
    "base": (512, 4, 50.33), "1D": (768, 6, 94.37), "1C": (640, 5, 85.85),
    "1A": (768, 6, 73.93), "1B": (384, 3, 46.40),
}  # fmt: skip


def rows(study: str, profile: str = "") -> dict[str, Row]:
    """Return the rows of a shipped matrix that wait for no winner."""
    matrix = load_matrix(MATRICES / f"{study}.yaml")
    return {r.name: r for r in expand(matrix, Launch(device="cpu"), CPU, profile).rows}


def parameters(row: Row) -> int:
    config = group_from(row.values, ModelConfig)
    with torch.device("meta"):
        model = build_gpt(config, row.values["data.vocab_size"], 16, "tiles", "float32")
    return sum(p.numel() for p in model.parameters())


def test_the_greedy_study_has_its_chain_of_parents_and_changes() -> None:
    found = rows("xsa-gain")
    assert list(found) == [str(n) for n in range(1, 42)]
    for line in XSA_GAIN.strip().splitlines():
        name, parent, *change = line.split(" ", 2)
        assert found[name].parent == parent
        assert found[name].change == "".join(change)
        assert "published" in found[name].about.note


def test_the_gates_study_has_its_rows_against_their_own_baselines() -> None:
    found = rows("gates-rope-slope")
    lines = [line.split(" ", 2) for line in GATES.strip().splitlines()]
    assert list(found) == ["gates_caseops", *(name for name, *_ in lines)]
    for name, parent, change in lines:
        assert (found[name].parent, found[name].change) == (parent, change)
    assert found["rope24"].about.expect.delta == found["v2_slope00"].about.expect.delta == -0.003


def test_the_attention_study_has_its_rows_and_priorities() -> None:
    matrix = load_matrix(MATRICES / "attention.yaml")
    drafts = {d.name: d for d in matrix.drafts}
    assert set(drafts) >= set(ATTENTION)
    for name, change in ATTENTION.items():
        written = ", ".join(f"{s.written} {s.text}" for s in drafts[name].own.values())
        assert written == change
        assert name in PRIORITIES[drafts[name].about.priority]
    first, second, third = matrix.waves
    assert first.rows == ("2A", "2C", "5A", "5B", "6A", "6B")
    assert (second.rows, second.winner_of) == (("7A", "4A", "4C"), "depth-width.yaml")
    assert (third.name, first.rule.by, second.rule.by) == ("3W", "pre", "pre")
    assert matrix.about.priority == "medium"


SHAPED = {  # winner of S2: shapes of 4A and 4C upon it; an odd number of heads has no half
    "base": {"4A": (8, 512, 2), "4C": (9, 512, 2)},
    "1D": {"4A": (8, 768, 3), "4C": (9, 768, 3)},
    "1A": {"4A": (6, 768, 3), "4C": (7, 768, 3)},
    "1C": {},
    "1B": {},
}


@pytest.mark.parametrize("winner", SHAPED)
def test_the_second_wave_of_the_attention_study_follows_the_shape_that_won(
    winner: str, tmp_path: Path
) -> None:
    for study in ("attention", "depth-width"):
        write_matrix(tmp_path, (MATRICES / f"{study}.yaml").read_text(), f"{study}.yaml")
    play(tmp_path / "depth-width.yaml", fixed(**{winner: 0.9}))
    plan = planned(tmp_path / "attention.yaml")
    names = ("model.depth", "model.model_dim", "model.n_kv_head")
    found = {r.name: tuple(r.values[n] for n in names) for r in plan.rows.rows}
    assert {n: found[n] for n in ("4A", "4C") if n in found} == SHAPED[winner]
    reasons = [d.reason for d in plan.rows.dropped if d.name == "4C"]
    assert len(reasons) == (not SHAPED[winner])
    assert all("from `n_head / 2`" in reason for reason in reasons)


def test_the_shape_study_has_its_widths_and_sizes() -> None:
    found = rows("depth-width")
    assert list(found) == list(SHAPES)
    for name, (width, heads, millions) in SHAPES.items():
        values = found[name].values
        assert (values["model.model_dim"], values["model.n_head"]) == (width, heads)
        assert parameters(found[name]) / 1e6 == pytest.approx(millions, abs=0.006)


def test_the_shared_attention_study_has_its_rows_and_seeds() -> None:
    found = rows("shared-attention")
    shapes = {
        n: (r.values["model.depth"], r.values["model.mlp_mult"], r.values["model.shared_head_dim"])
        for n, r in found.items()
    }
    assert shapes == {
        "base11": (11, 4.0, 0), "d12": (12, 4.0, 0), "d12_shd16": (12, 4.0, 16),
        "final": (12, 4.5, 16), "w11_45": (11, 4.5, 0), "w11_45_shd16": (11, 4.5, 16),
    }  # fmt: skip
    assert found["final"].seeds == (42, 314, 999)
    assert {r.seeds for n, r in found.items() if n != "final"} == {(42,)}
    assert parameters(found["final"]) / 1e6 == pytest.approx(38.3, abs=0.05)


@pytest.mark.parametrize("profile", ["", *PROFILES])
@pytest.mark.parametrize("study", STUDIES)
def test_rows_stay_distinct_and_can_be_built(study: str, profile: str, tmp_path: Path) -> None:
    matrix = load_matrix(MATRICES / f"{study}.yaml")
    plan = plan_matrix(
        expand(matrix, Launch(device="cpu"), CPU, profile), tmp_path / "project", "test"
    )
    keys = {c.row.name: tuple(n.key for n in c.nodes()) for c in plan.cells}
    twins = 1 if study == "xsa-gain" else 0  # row 17 says that it is row 14
    assert len(set(keys.values())) == len(keys) - twins
    for row in plan.rows.rows:
        assert parameters(row) > 0


@pytest.mark.parametrize("profile", ["", *PROFILES])
@pytest.mark.parametrize("file", sorted(MATRICES.glob("*.yaml")), ids=lambda f: f.stem)
def test_every_shipped_matrix_is_sound_under_every_profile(file: Path, profile: str) -> None:
    assert expand(load_matrix(file), Launch(device="cpu"), CPU, profile).rows


def base_of(preset: str, settings: str) -> dict[str, object]:
    """Return what a preset resolves to under some settings."""
    matrix = load_matrix(Path("x.yaml"), f"preset: {preset}\nbaseline: {{{settings}}}\n")
    return dict(expand(matrix, Launch(), CPU).rows[0].values)


@pytest.mark.parametrize("preset", ["naive", "pr1125", "pr1493", "pr1970"])
def test_an_embedding_that_is_no_head_starts_and_learns_at_its_own_values(preset: str) -> None:
    names = ("model.embed_init_std", "optim.embed_lr", "optim.head_lr", "model.head_init_std")
    untied, given = base_of(preset, "tied: false"), base_of(preset, "tied: false, embed_lr: 0.3")
    assert [untied[n] for n in names] == [1.0, 0.6, 0.008, 0.0]
    assert given["optim.embed_lr"] == 0.3
    assert base_of(preset, "depth: 9")["model.embed_init_std"] == 0.005


@pytest.mark.parametrize("preset", ["naive", "pr1125", "pr1493", "pr1970"])
def test_a_step_is_eight_micro_batches_whatever_its_size(preset: str) -> None:
    base = base_of(preset, "seq_len: 1024")
    assert 8 * base["train.micro_tokens"] == base["train.batch_tokens"]
    small = base_of(preset, "seq_len: 1024, batch_tokens: 16384")
    assert small["train.micro_tokens"] == 2048
    assert base_of(preset, "seq_len: 1024, batch_tokens: 3072")["train.micro_tokens"] == 1024
