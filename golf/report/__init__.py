"""Reports: finished nodes to tidy frames, frames to tables, tables to text."""
