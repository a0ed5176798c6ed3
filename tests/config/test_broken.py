"""Every broken matrix of docs/errors.md prints what the page says, and does nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from golf.errors import GolfError
from golf.plan.ledger import Options, plan_file

PAGE = (Path(__file__).parents[2] / "docs/errors.md").read_text()
BROKEN = re.findall(r"```yaml\n(name: (\S+)\n.*?)```\n\n```text\n(.*?)```", PAGE, re.S)


def test_the_page_shows_twenty() -> None:
    assert len(BROKEN) == PAGE.count("```yaml") == PAGE.count("```text") == 20


@pytest.mark.parametrize(("text", "name", "told"), BROKEN, ids=[name for _, name, _ in BROKEN])
def test_a_broken_matrix_prints_what_the_page_says(
    text: str, name: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / f"{name}.yaml"
    path.write_text(text)
    with pytest.raises(GolfError) as caught:
        plan_file(path, Options())
    assert str(caught.value).replace(f"{tmp_path}/", "") == told.rstrip("\n")
    assert list(tmp_path.iterdir()) == [path]
