"""Scale rules that shrink a matrix to a machine without erasing what its rows differ in.

A profile multiplies step-like, token-like and width-like knobs by one factor each, in the
base and in every row alike, and rounds to what the knob allows. Strides shrink with the window
that they move. It never sets a value, except that it caps how much validation text is scored,
and the chunks of adapters at a window.
"""

from __future__ import annotations

from dataclasses import field

from golf.config.datasets import CORPORA
from golf.config.geometry import with_stride
from golf.config.knob import Knob, Scale, Value
from golf.config.resolve import budget_steps
from golf.config.rules import SGD_ROWS, scoring_length
from golf.config.schema import KNOBS
from golf.frozen import Frozen

SHORTEST_DECAY = 0.5
FITTED = ("train.batch_tokens", "train.micro_tokens")


class Profile(Frozen):
    """One factor per kind of knob, and upper bounds."""

    name: str
    factors: dict[Scale, float]
    caps: dict[str, int] = field(default_factory=dict)

    def apply(self, values: dict[str, Value]) -> dict[str, Value]:
        """Return ``values`` scaled; knobs that are None, off or unscaled stay as they are.

        A budget in tokens becomes the steps that it would have been.
        """
        values = {**values, "train.steps": budget_steps(values), "train.tokens": None}
        done = {name: self._scaled(KNOBS[name], value) for name, value in values.items()}
        if values["data.dataset"] not in CORPORA:  # shards have the tokens that they have
            done["data.vocab_size"] = values["data.vocab_size"]
        for name, cap in self.caps.items():
            given = done[name]
            done[name] = min(given, cap) if isinstance(given, int) else cap
        self._fit_batches(done)
        _fit_windows(done, scoring_length(values))
        return done

    def _scaled(self, knob: Knob, value: Value) -> Value:
        if knob.scale is None or not isinstance(value, int | float) or value == knob.off:
            return value
        factor = self.factors[knob.scale]
        if knob.scale is Scale.DECAY:  # an average over 1 / (1 - decay) steps
            return max(SHORTEST_DECAY, 1 - (1 - value) / factor)
        scaled = value * factor
        return scaled if knob.kind is float else rounded(knob, scaled)

    def _fit_batches(self, values: dict[str, Value]) -> None:
        """Keep batches whole sequences after rounding."""
        seq_len, window = values["train.seq_len"], scoring_length(values)
        assert isinstance(seq_len, int)
        for names, length in ((FITTED, seq_len), (SGD_ROWS, window)):
            for name in names:
                tokens = values[name]
                if isinstance(tokens, int):
                    values[name] = max(1, round(tokens / length)) * length


def _fit_windows(values: dict[str, Value], before: int) -> None:
    """Shrink strides as windows have shrunk, which had ``before`` tokens, and cap chunks there."""
    window = scoring_length(values)
    names, own = values["eval.geometries"], values["ttt.geometry"]
    assert isinstance(names, tuple)
    shrunk = [with_stride(name, window / before) for name in names]
    values["eval.geometries"] = tuple(dict.fromkeys(shrunk))
    values["ttt.geometry"] = with_stride(own, window / before) if isinstance(own, str) else own
    chunk = values["ttt.lora_chunk"]
    values["ttt.lora_chunk"] = min(chunk, window) if isinstance(chunk, int) else chunk


def rounded(knob: Knob, number: float) -> int:
    """Return the nearest whole number that the knob allows."""
    whole = knob.multiple_of
    least = max(whole, int(knob.at_least or 0))
    return max(least, round(number / whole) * whole)


PROFILES = {
    p.name: p
    for p in (
        Profile(
            "cpu",
            # a small but real comparison of a GPU matrix, in a laptop's night
            {
                Scale.STEPS: 1 / 20,
                Scale.DECAY: 1 / 20,
                Scale.BATCH: 1 / 1024,
                Scale.SEQUENCE: 1 / 8,
                Scale.TEXT: 1 / 8,
                Scale.WIDTH: 1 / 4,
                Scale.SECONDS: 1 / 20,
                Scale.VOCABULARY: 1 / 8,
                Scale.EFFORT: 1 / 2,
            },
            caps={"eval.max_tokens": 8192},
        ),
        Profile(
            "smoke",
            # every row through every stage in a few steps, so that a crash costs seconds
            {
                Scale.STEPS: 1 / 100,
                Scale.DECAY: 1 / 100,
                Scale.BATCH: 1 / 2048,
                Scale.SEQUENCE: 1 / 8,
                Scale.TEXT: 1 / 32,
                Scale.WIDTH: 1 / 4,
                Scale.SECONDS: 1 / 500,
                Scale.VOCABULARY: 1 / 16,
                Scale.EFFORT: 1 / 3,
            },
            caps={"eval.max_tokens": 2048},
        ),
    )
}
