"""One row as one script: sources are read as text, never imported."""
