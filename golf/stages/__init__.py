"""The workshop: one module per stage, introduced to the crafts that it needs."""
