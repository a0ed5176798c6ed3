"""autoresearch's closing block and its ``results.tsv``, read and written.

The block is lines of ``name: value`` with units in the names (karpathy/autoresearch,
``train.py``); the table has the columns commit, val_bpb, memory_gb, status, description
(``program.md``), with zeros for a crash.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping

NAMES = (
    "val_bpb", "training_seconds", "total_seconds", "peak_vram_mb", "mfu_percent",
    "total_tokens_M", "num_steps", "num_params_M", "depth",
)  # fmt: skip
COLUMNS = ("commit", "val_bpb", "memory_gb", "status", "description")
LINE = re.compile(rf"({'|'.join(NAMES)}):\s+(\d{{1,15}}(?:\.\d+)?)\s*$")


def is_block(found: Mapping[str, str]) -> bool:
    """Say whether lines that look like the block's are one."""
    return {"val_bpb", "num_steps"} <= set(found)


def write_block(measures: Mapping[str, float | None]) -> str:
    """Return the block of one finished training; what is unknown is left out.

    Args:
        measures: by the names of golf's results, and ``depth``.
    """
    scaled = {
        "val_bpb": _scaled(measures, "pre_bpb", 1, ".6f"),
        "training_seconds": _scaled(measures, "train_s", 1, ".1f"),
        "peak_vram_mb": _scaled(measures, "peak_memory_mb", 1e6 / 2**20, ".1f"),
        "total_tokens_M": _scaled(measures, "tokens", 1e-6, ".1f"),
        "num_steps": _scaled(measures, "steps", 1, ".0f"),
        "num_params_M": _scaled(measures, "parameters", 1e-6, ".1f"),
        "depth": _scaled(measures, "depth", 1, ".0f"),
    }
    width = max(map(len, NAMES)) + 1
    body = [f"{name + ':':<{width}} {text}" for name, text in scaled.items() if text]
    return "\n".join(["---", *body]) + "\n"


def _scaled(measures: Mapping[str, float | None], name: str, factor: float, form: str) -> str:
    value = measures.get(name)
    return "" if value is None else format(value * factor, form)


def read_results(text: str) -> list[dict[str, str]]:
    """Return the lines of a ``results.tsv``."""
    return list(csv.DictReader(io.StringIO(text), delimiter="\t"))


def write_results(lines: Iterable[Mapping[str, object]]) -> str:
    """Return a ``results.tsv``; tabs and line breaks in descriptions become spaces."""
    text = io.StringIO()
    text.write("\t".join(COLUMNS) + "\n")
    for line in lines:
        text.write("\t".join(" ".join(str(line[c]).split()) for c in COLUMNS) + "\n")
    return text.getvalue()
