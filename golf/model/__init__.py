"""The model: a decoder built from parts that are chosen once, when it is built.

Shape suffixes: B batch, T tokens, C residual width, H query heads, K key and value heads,
G query heads per key head, D head width, V vocabulary.
"""
