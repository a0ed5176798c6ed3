"""golf: ablation tables for small language models, from one YAML file."""

import importlib
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Return ``golf.results``; pandas is imported only by who asks for it."""
    if name == "results":
        return importlib.import_module("golf.report.frame").results
    raise AttributeError(f"module 'golf' has no attribute {name!r}")
