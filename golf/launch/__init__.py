"""Launching: torchrun lines from jobs, processes from torchrun lines."""
