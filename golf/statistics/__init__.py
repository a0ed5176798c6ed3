"""Statistics of small samples: deltas, their intervals, and what may be said about them."""
