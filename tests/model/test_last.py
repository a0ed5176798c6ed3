"""Asking for the last positions only gives what asking for all gives there, in every form."""

from __future__ import annotations

import hashlib

import pytest
import torch
from torch import Tensor

from golf.config.schema.model import ModelConfig
from golf.model.gpt import GPT, build_gpt
from golf.model.route import Slot

LENGTH, VOCAB = 48, 40
FORMS: dict[str, dict[str, object]] = {
    "plain": {},
    "windows": {"window_pattern": "SL", "short_window": 0.25},
    "one_stream": {"parallel": "one_stream", "parallel_start": 1, "x0_mix": "channel"},
    "two_lanes": {"parallel": "two_lane", "parallel_start": 1, "branch_scale": True},
    "gates": {"attn_gate": "out_gate", "gate_src": "residual", "gate_width": 8, "q_gain": 1.5},
    "gate_on_q": {"attn_gate": "gated", "gate_src": "q", "mlp_act": "swiglu"},
    "values": {"value_embed": "all", "value_gate_width": 8, "value_residual": True, "xsa": "all"},
    "loop": {"loop_count": 1, "loop_start": 1, "loop_end": 2, "skips": "gated"},
    "backout": {"backout": 0.2, "skips": "plain", "ln_scale": "norm_input"},
    "front": {"smear": "v2", "smear_width": 8, "bigram_buckets": 64, "bigram_dim": 8},
    "untied": {"tied": False, "logit_softcap": 15.0, "n_kv_head": 2},
}


def model(form: str, attention: str = "tiles") -> GPT:
    config = ModelConfig(**{"depth": 3, "model_dim": 32, "head_dim": 8, **FORMS[form]})
    built = build_gpt(config, VOCAB, LENGTH, attention, "float32")
    for name, p in built.named_parameters():
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
        p.data.normal_(0.0, 0.3, generator=torch.Generator().manual_seed(seed))
    return built


def tokens() -> Tensor:
    return torch.randint(4, VOCAB, (3, LENGTH), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("last", [1, 7, LENGTH])
@pytest.mark.parametrize("form", FORMS)
@torch.no_grad()
def test_the_last_logits_are_those_of_the_whole_row(form: str, last: int) -> None:
    built = model(form)
    whole, short = built.logits(tokens()), built.logits(tokens(), last=last)
    torch.testing.assert_close(short, whole[:, -last:], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("attention", ["tiles", "sdpa"])
@pytest.mark.parametrize("form", ["plain", "windows"])
@torch.no_grad()
def test_they_stay_inside_documents(form: str, attention: str) -> None:
    built = model(form, attention)
    starts = torch.zeros(3, LENGTH, dtype=torch.long)
    starts[:, 30:] = 30
    whole, short = (built.logits(tokens(), starts, last=n) for n in (None, 25))
    torch.testing.assert_close(short, whole[:, -25:], atol=1e-5, rtol=1e-5)


def test_a_tap_sees_what_was_read_where_something_was_given() -> None:
    shapes: dict[tuple[int, str], tuple[int, int]] = {}

    def tap(slot: Slot, name: str, x: Tensor, y: Tensor) -> Tensor:
        shapes[slot.index, name] = (x.size(1), y.size(1))
        return y

    model("plain").logits(tokens(), taps=(tap,), last=5)
    assert all(read == given for read, given in shapes.values())
    assert {name for (slot, name), (_, given) in shapes.items() if given == 5 and slot == 2} == {
        "q", "out", "attn", "up", "down", "mlp",
    }  # fmt: skip
    assert shapes[2, "k"] == shapes[2, "v"] == (LENGTH, LENGTH)
    assert shapes[-1, "head"] == (5, 5)
