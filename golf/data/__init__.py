"""Corpora, tokenizers, shards and the bytes behind every token."""
