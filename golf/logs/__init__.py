"""Logs of other people's training scripts, read by what their lines mean."""
