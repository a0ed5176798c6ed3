"""``golf.results``: the results of a matrix as a pandas frame."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from golf.plan.ledger import Options
from golf.report.command import Source, studies
from golf.report.formats import tidy
from golf.report.table import analyze


def results(source: str | Path, profile: str = "", overrides: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return one line per row and seed, with every measure that is there.

    Args:
        source: a matrix file, a file of tidy rows, or a table that ``golf import`` wrote.
        profile: the profile that the matrix was run with.
        overrides: the ``--set`` texts that it was run with.

    Raises:
        GolfError: the file is broken.
    """
    path = Path(source)
    is_matrix = path.suffix in (".yaml", ".yml")
    chosen = Source(path, Options(profile, overrides)) if is_matrix else Source(runs=path)
    (study, _), *_ = studies(chosen)
    return pd.DataFrame(tidy(analyze(study)))
