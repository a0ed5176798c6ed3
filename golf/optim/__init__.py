"""Optimizers, schedules and weight averages; they know roles and tensors, not the model."""
