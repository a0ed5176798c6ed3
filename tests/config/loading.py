"""Matrix files as short texts, read from a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf.config.load import load_matrix
from golf.config.matrix import Matrix
from golf.errors import GolfError, Problem


def write(folder: Path, text: str) -> Path:
    path = folder / "m.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path, text: str) -> Matrix:
    return load_matrix(write(folder, text))


def mistakes(folder: Path, text: str) -> list[Problem]:
    with pytest.raises(GolfError) as caught:
        load(folder, text)
    return list(caught.value.problems)


def values(matrix: Matrix, row: str = "baseline") -> dict[str, object]:
    layers = {d.name: d.own for d in matrix.drafts} | {"baseline": matrix.baseline}
    return {name: setting.value for name, setting in layers[row].items()}
