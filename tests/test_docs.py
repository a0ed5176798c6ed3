"""Documents say what is so: generated pages are current, links resolve, commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from golf.config.describe import factors_markdown
from golf.config.load import load_matrix
from golf.plan.cells import plan_matrix
from golf.plan.expand import expand
from golf.plan.ledger import Options, plan_file
from golf.plan.show import PlanView, plan_lines
from golf.report.markdown import render
from golf.report.table import analyze
from golf.report.tidy import read_tidy
from tests.conftest import CPU

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
MISSION = (
    "model.window_pattern", "model.head_dim", "model.n_kv_head", "model.value_embed",
    "model.logit_softcap", "model.gate_width", "model.rope_dims", "model.leaky_slope",
)  # fmt: skip


def test_the_page_of_factors_is_current() -> None:
    assert (ROOT / "docs/factors.md").read_text() == factors_markdown(), "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_relative_links_resolve(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        assert target.startswith("http") or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_files_and_make_targets_that_pages_name_exist(page: Path) -> None:
    text = page.read_text()
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`?\bmake ([a-z-]+)\b`?", text):
        assert f"\n{target}:" in makefile, target
    for path in re.findall(r"`((?:golf|matrices|tests|docs|benchmarks)/[\w/.-]+)`", text):
        assert (ROOT / path).exists(), path


def test_the_readme_shows_the_committed_report() -> None:
    report = (ROOT / "reports/quickstart.md").read_text()
    table = next(part for part in report.split("\n\n") if part.startswith("| Row"))
    assert table in (ROOT / "README.md").read_text(), "copy the table of reports/quickstart.md"


GUIDE = (ROOT / "docs/matrix.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(name: (\S+)\n.*?)```\n\n```text\n(.*?)```", GUIDE, re.S)


@pytest.mark.parametrize("name", [name for _, name, _ in EXAMPLES])
def test_an_example_of_the_guide_plans_as_it_says(name: str, tmp_path: Path) -> None:
    for text, other, _ in EXAMPLES:
        (tmp_path / f"{other}.yaml").write_text(text)
    planned = plan_file(Path(f"{tmp_path}/{name}.yaml"), Options())
    shown = "\n".join(plan_lines(PlanView(planned))) + "\n"
    told = next(told for _, other, told in EXAMPLES if other == name)
    assert shown.replace(f"{tmp_path}/", "") == told


def test_every_example_of_the_guide_is_tried() -> None:
    assert len(EXAMPLES) == GUIDE.count("```yaml") == GUIDE.count("```text") > 8


def test_the_quickstart_varies_every_factor_that_the_mission_names() -> None:
    matrix = load_matrix(ROOT / "matrices/quickstart.yaml")
    rows = expand(matrix, matrix.launch, CPU)
    varied = {name for draft in matrix.drafts for name in draft.own}
    assert set(MISSION) <= varied
    plan = plan_matrix(rows, ROOT, "quickstart")
    assert len({c.train.key for c in plan.cells}) == 18
    assert len(matrix.seeds) == 2
    assert {"quant.bits", "ttt.lr"} <= varied


def test_the_committed_report_of_published_numbers_is_current() -> None:
    path = Path("tests/data/published/pr1970.csv")
    study = replace(read_tidy(ROOT / path), commands=(f"golf report --runs {path}",))
    report = ROOT / "reports/pr1970.md"
    assert report.read_text() == render(analyze(study)), f"golf report --runs {path}"


def test_the_mistakes_in_the_readme_are_those_of_its_matrix(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    found = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert found
    lines = found[1].splitlines(keepends=True)
    (tmp_path / "gates.yaml").write_text("".join(x for x in lines if not x.startswith("baseline")))
    line = [sys.executable, "-m", "golf", "plan", "gates.yaml"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert textwrap.indent(done.stderr, " " * 6) in text
