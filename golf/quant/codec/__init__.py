"""Integers to bytes and back: an entropy coder of our own, and general compressors."""
