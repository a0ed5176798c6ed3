"""Small models, tokens and what accompanies a pass, for the tests of this room."""

from __future__ import annotations

import torch
from torch import Tensor

from golf.config.schema.model import ModelConfig
from golf.model.carry import Carry, Tap
from golf.model.gate import Sources
from golf.model.gpt import GPT, build_gpt
from golf.model.lanes import OneLane
from golf.model.route import Slot
from tests.model.plain import BOS, Plain

VOCAB, SEQ_LEN = 48, 24


def draw(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def draw_tokens(length: int = SEQ_LEN, batch: int = 1, seed: int = 3) -> Tensor:
    return torch.randint(0, VOCAB, (batch, length), generator=torch.Generator().manual_seed(seed))


def config(**changes: object) -> ModelConfig:
    return ModelConfig(**{"depth": 3, "model_dim": 32, "head_dim": 8, **changes})


def build(
    seq_len: int = SEQ_LEN, attention: str = "tiles", dtype: str = "float32", **changes: object
) -> GPT:
    """Return a fresh model of seed 0."""
    torch.manual_seed(0)
    return build_gpt(config(**changes), VOCAB, seq_len, attention, dtype)


def randomised(model: GPT, scale: float = 0.3) -> GPT:
    """Draw every parameter: zero starts would hide what a part does."""
    generator = torch.Generator().manual_seed(1)
    for p in model.parameters():
        p.data.normal_(0.0, scale, generator=generator)
    return model


def assert_plain(seq_len: int = SEQ_LEN, length: int = 12, **changes: object) -> None:
    """Assert that a random model's logits and those of the slow form agree.

    The second of two texts begins two documents: one by its first token, one within.
    """
    model = randomised(build(seq_len, dtype="float64", **changes))
    tokens = draw_tokens(length, batch=2)
    tokens[1, 0] = tokens[1, length // 2] = BOS
    plain = Plain(model.config, model.state_dict(), seq_len, model.config.loop_count)
    expected = torch.stack([plain.logits(row.tolist()) for row in tokens])
    torch.testing.assert_close(model.logits(tokens).double(), expected, atol=2e-5, rtol=1e-5)


def logits_of(weights: GPT, **changes: object) -> Tensor:
    """Return logits of a model with other settings and, where names agree, the same weights."""
    other = build(**changes)
    other.load_state_dict(weights.state_dict(), strict=False)
    with torch.no_grad():
        return other.logits(draw_tokens(batch=2))


def carry(tokens: Tensor, taps: tuple[Tap, ...] = (), **changes: object) -> Carry:
    """Return what accompanies a pass over ``tokens`` through one block."""
    x0 = draw(*tokens.shape, 32, seed=5)
    settings = {"starts_BT": None, "lanes": OneLane(), "taps": taps, "slot": Slot(0, 0)}
    return Carry(tokens, x0, **{**settings, **changes})


def normed(x_BTC: Tensor) -> Sources:
    """Return sources of which only the normalised input is given."""
    return Sources(x_BTC, torch.full_like(x_BTC, torch.nan), torch.full_like(x_BTC, torch.nan))


def live(model: GPT, tokens: Tensor) -> set[str]:
    """Return the parameters to which the loss sends a gradient."""
    model.zero_grad()
    model(tokens, tokens.roll(1, 1)).mean().backward()
    return {n for n, p in model.named_parameters() if p.grad is not None and bool(p.grad.any())}
