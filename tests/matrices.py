"""The settings of a run that takes a second: a line each, to stand under ``baseline:``."""

TINY_LINES = """\
  dataset: sotu-small
  vocab_size: 384
  depth: 1
  model_dim: 32
  head_dim: 16
  steps: 12
  seq_len: 64
  batch_tokens: 128
  eval.max_tokens: 1024
  ttt: sgd
  ttt_chunk_tokens: 512
  ttt_batch_tokens: 128"""
