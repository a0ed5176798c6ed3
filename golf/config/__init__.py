"""Settings: what can be varied, how a matrix file says it, and which values are legal."""
