"""``golf.results``: the results of a matrix as a pandas frame."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from golf.plan.flags import options_from
from golf.report.command import Source, check, studies
from golf.report.formats import tidy
from golf.report.table import analyze


def results(source: str | Path, profile: str = "", overrides: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return one line per row and seed, with every measure that is there.

    Args:
        source: a matrix file, a file of tidy rows, or a table that ``golf import`` wrote.
        profile: the profile that the matrix was run with.
        overrides: the ``--set`` texts that it was run with.

    Raises:
        GolfError: the file is broken, or the profile or a text of ``--set`` is none.
    """
    path = Path(source)
    is_matrix = path.suffix.lower() in (".yaml", ".yml")
    options = options_from(profile, list(overrides))
    chosen = Source(path if is_matrix else None, options, None if is_matrix else path)
    check(chosen, "md")
    (study, _), *_ = studies(chosen)
    return pd.DataFrame(tidy(analyze(study)))
