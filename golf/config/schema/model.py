"""Every knob of the model: a pre-norm decoder whose parts are chosen when it is built."""

from __future__ import annotations

from golf.config.schema.attention import AttentionKnobs
from golf.config.schema.shape import ShapeKnobs
from golf.config.schema.stream import StreamKnobs


class ModelConfig(StreamKnobs, AttentionKnobs, ShapeKnobs):
    """Shape, attention and residual stream (a dataclass lists its last base first)."""
