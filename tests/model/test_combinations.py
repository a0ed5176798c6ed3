"""Whatever combination of knobs the rules allow: the formula, causal, learnable, one role each."""

from __future__ import annotations

import math
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from golf.config.knob import UNSET, Knob, Scale, Stage
from golf.config.resolve import resolve
from golf.config.rules import broken_rules
from golf.config.schema import KNOBS, group_from, spec_for
from golf.config.schema.model import ModelConfig
from golf.model.gpt import GPT, build_gpt
from golf.model.roles import roles_of
from tests.model.plain import BOS, Plain
from tests.model.tools import VOCAB, draw_tokens, live, randomised

LENGTH = 12
BASE: dict[str, Any] = {n: k.default for n, k in KNOBS.items()} | {
    "model.model_dim": 16, "model.head_dim": 4, "model.gate_width": 4, "model.mlp_mult": 2.0,
    "model.value_gate_width": 4, "model.smear_width": 4, "model.bigram_dim": 4,
    "train.seq_len": LENGTH, "train.batch_tokens": LENGTH,
}  # fmt: skip
SETS = ("none", "all", "alternate", "last:1", "0")
OWN_CANDIDATES: dict[str, tuple[Any, ...]] = {
    "model.depth": (2, 3, 5), "model.model_dim": (16,), "model.aspect_ratio": (None, 8),
    "model.head_dim": (4, 8), "model.n_head": (None, 2), "model.n_kv_head": (None, 2, 1),
    "model.parallel_start": (0, 1, 2), "model.loop_start": (0, 1), "model.loop_end": (0, 1, 2),
    "model.value_embed": SETS, "model.xsa": SETS, "model.window_pattern": ("L", "SL", "SSL"),
    "model.rope_train_len": (None, 5), "model.rope_dims": (0, 2, 4),
}  # fmt: skip


def candidates(knob: Knob) -> tuple[Any, ...]:
    """Return small values of a knob, as it declares them unless its values are shapes."""
    if knob.name in OWN_CANDIDATES:
        return OWN_CANDIDATES[knob.name]
    switches = (True, False) if knob.kind is bool else ()
    example: Any = knob.example
    if knob.scale is Scale.WIDTH:
        example = 3
    ends = (BASE[knob.name], *(() if knob.off is UNSET else (knob.off,)), example)
    return tuple(dict.fromkeys(knob.choices or switches or ends))


MODEL_KNOBS = [k for k in KNOBS.values() if k.name.startswith("model.")]
DRAFTS = st.fixed_dictionaries({k.name: st.sampled_from(candidates(k)) for k in MODEL_KNOBS})


def legal(draft: dict[str, Any]) -> ModelConfig:
    """Return the settings after those that break a rule have gone back to the base."""
    draft = {**BASE, **draft}
    while broken := [names for _, names in broken_rules(resolve(draft, "cpu", 1), 1)]:
        reset = {n: BASE[n] for n in broken[0] if draft[n] != BASE[n]}
        assert reset, f"the base breaks the rule of {broken[0]}"
        draft |= reset
    return group_from(spec_for(resolve(draft, "cpu", 1), Stage.TRAIN), ModelConfig)


CONFIGS = DRAFTS.map(legal)
CHECK = settings(max_examples=60, deadline=None, derandomize=True)


def build(config: ModelConfig, dtype: str = "float32", attention: str = "tiles") -> GPT:
    torch.manual_seed(0)
    return build_gpt(config, VOCAB, LENGTH, attention, dtype)


def documents() -> tuple[Tensor, Tensor]:
    """Return a row of three documents and where each token's document begins."""
    tokens = draw_tokens(LENGTH).clamp(min=2)
    starts = torch.tensor([[0] * 4 + [4] * 5 + [9] * 3])
    tokens[0, [0, 4, 9]] = BOS
    return tokens, starts


@settings(CHECK, max_examples=30)
@given(CONFIGS, st.booleans())
def test_it_is_the_formula(config: ModelConfig, packed: bool) -> None:
    model = randomised(build(config, "float64"))
    tokens, starts = documents()
    plain = Plain(model.config, model.state_dict(), LENGTH, config.loop_count)
    expected = plain.logits(tokens[0].tolist(), starts[0].tolist() if packed else None)
    found = model.logits(tokens, starts if packed else None)[0].double()
    torch.testing.assert_close(found, expected, atol=5e-5, rtol=1e-5)


@CHECK
@given(CONFIGS, st.integers(0, LENGTH - 1), st.sampled_from(["tiles", "sdpa"]))
def test_a_token_changes_its_own_logits_and_none_before_it(
    config: ModelConfig, t: int, attention: str
) -> None:
    model, tokens = randomised(build(config, attention=attention)), draw_tokens(LENGTH)
    other = tokens.clone()
    other[0, t] = (other[0, t] + 1) % VOCAB
    with torch.no_grad():
        changed = (model.logits(tokens) != model.logits(other)).any(-1)[0]
    assert not changed[:t].any()
    assert changed[t]


@CHECK
@given(CONFIGS, st.sampled_from(["tiles", "sdpa"]))
def test_no_document_of_a_row_touches_another(config: ModelConfig, attention: str) -> None:
    masked = {"smear_bos_mask": True, "bigram_bos_mask": True}
    model = randomised(build(ModelConfig(**{**vars(config), **masked}), attention=attention))
    tokens, starts = documents()
    with torch.no_grad():
        before = model.logits(tokens, starts)
        for low, high in ((0, 4), (4, 9), (9, 12)):
            other = tokens.clone()
            other[0, low + 1 : high] = 2 + (other[0, low + 1 : high] - 1) % (VOCAB - 2)
            changed = (model.logits(other, starts) != before).any(-1)[0]
            assert changed[low + 1 : high].any()
            assert not changed[:low].any() and not changed[high:].any()


@CHECK
@given(CONFIGS)
def test_every_parameter_learns_and_has_one_role(config: ModelConfig) -> None:
    model = randomised(build(config))
    names = {n for n, _ in model.named_parameters()}
    assert live(model, draw_tokens(LENGTH, batch=4)) == names
    assert set(roles_of(model)) == names


@CHECK
@given(CONFIGS)
def test_the_first_loss_is_close_to_the_log_of_the_vocabulary(config: ModelConfig) -> None:
    tokens = draw_tokens(LENGTH, batch=4)
    loss = build(config)(tokens, tokens.roll(-1, 1)).mean().item()
    assert abs(loss - math.log(VOCAB)) < 0.05
