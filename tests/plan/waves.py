"""Matrices whose rows wait: for a wave, and for another matrix."""

from __future__ import annotations

TWO = """\
seeds: [1, 2]
rows:
  a: {depth: 2}
  b: {bits: 5}
  c: {rope_dims: 16}
  d: {parent: c, leaky_slope: 0.3}
waves:
  - rows: [a, b]
    margin: 0.001
  - rows: [c, d]
    baseline: {winner_of: 1}
"""


S2 = """\
name: shape
seeds: [1, 2]
baseline: {depth: 4}
rows:
  1A: {depth: 6, model_dim: 192}
  1B: {parent: 1A, head_dim: 64}
"""


S1 = """\
name: attention
seeds: [1, 2]
baseline: {depth: 4}
rows:
  2A: {rope_dims: 16}
  4A: {n_kv_head: = n_head / 3}
waves:
  - {rows: [2A]}
  - rows: [4A]
    baseline: {winner_of: shape.yaml, margin: 0.001, by: pre}
"""
