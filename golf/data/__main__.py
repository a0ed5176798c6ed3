"""``python -m golf.data FOLDER``: prepare the dataset whose recipe.json lies in FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

from golf.data.prepare import prepare
from golf.errors import GolfError


def main(arguments: list[str]) -> int:
    """Prepare each folder; return the exit code."""
    try:
        for folder in arguments:
            prepare(Path(folder))
    except GolfError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
