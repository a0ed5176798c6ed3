"""The HTML page in a real Chromium: sorted, filtered, opened, hovered, and not fooled."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from golf.report.page.write import render_page
from golf.report.study import Curve, Study
from golf.report.table import analyze
from tests.report.made import row, study

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), "")
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>&lt;|`*$"
BASE = {"model.rope_dims": 16, "data.dataset": "</script><b>bold</b>"}

DRIVER = """
const found = {};
const main = document.querySelector("table.main");
const names = () => [...main.tBodies[0].rows].filter((r) => !r.hidden)
  .map((r) => r.cells[0].textContent);
const heading = (text) => [...main.tHead.rows[0].cells].find((c) => c.textContent === text);
found.names = names();
heading("Post-quant").querySelector("button").click();
found.ascending = names();
found.sign = heading("Post-quant").getAttribute("aria-sort");
heading("Post-quant").querySelector("button").click();
found.descending = names();
heading("Artifact").querySelector("button").click();
found.bytes = names();
heading("Δ post-quant vs parent").querySelector("button").click();
found.deltas = names();
const box = document.getElementById("filter");
box.value = "WIDE"; box.dispatchEvent(new Event("input"));
found.filtered = names();
box.value = ""; box.dispatchEvent(new Event("input"));
const wide = [...main.tBodies[0].rows].find((r) => r.cells[0].textContent === "wide");
wide.querySelector("button").click();
found.opened = [...document.querySelectorAll("tr.open tr")].map((r) => r.textContent);
found.own = [...document.querySelectorAll("tr.open .own")].map((r) => r.textContent);
found.children = document.querySelectorAll("tr.open b").length;
wide.querySelector("button").click();
found.closed = document.querySelectorAll("tr.open").length;
wide.dispatchEvent(new MouseEvent("mouseenter", { clientX: 50, clientY: 50 }));
found.curve = document.querySelectorAll("#curve path").length;
found.shown = getComputedStyle(document.getElementById("curve")).display;
wide.dispatchEvent(new MouseEvent("mouseleave"));
found.hidden = getComputedStyle(document.getElementById("curve")).display;
found.title = document.title;
found.images = document.images.length;
found.scripts = document.scripts.length;
found.requests = performance.getEntriesByType("resource").length;
const out = document.createElement("pre");
out.id = "found"; out.textContent = JSON.stringify(found);
document.body.append(out);
"""


def made() -> Study:
    steps = [float(i) for i in range(1, 50)]
    return study(
        row("base", (1.0, 1.20), base=BASE, artifact_bytes=900_000),
        row("wide", (1.0, 1.10), "base", {"model.rope_dims": 32}, BASE, artifact_bytes=16_000_001),
        row(HOSTILE, (1.0, 1.30), "base", artifact_bytes=2_000_000, change=HOSTILE, why=HOSTILE),
        row("later", (None, None), "base"),
        row("1", (1.0, 1.25), "base"),
        row("2", (1.0, 1.24), "1"),
        question=HOSTILE,
        notes=(HOSTILE,),
        curve=lambda r, s: Curve(steps, [5 - s / 50 for s in steps]) if r == "wide" else None,
    )


def browse(page: str, folder: Path) -> str:
    (folder / "page.html").write_text(page)
    line = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}"]
    line += ["--virtual-time-budget=2000", "--dump-dom", (folder / "page.html").as_uri()]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if not CHROMIUM:
        pytest.skip("no Chromium here")
    page = render_page(analyze(made())).replace("</body>", f"<script>{DRIVER}</script></body>")
    dom = browse(page, tmp_path_factory.mktemp("page"))
    told = re.search(r'<pre id="found">(.*?)</pre>', dom, re.S)
    assert told, dom[-2000:]
    result: dict[str, Any] = json.loads(html.unescape(told[1]))
    return result


def test_a_click_on_a_heading_sorts_by_numbers_and_back(found: dict[str, Any]) -> None:
    assert found["names"] == ["base", "wide", HOSTILE, "later", "1", "2"]
    assert found["ascending"] == ["wide", "base", "2", "1", HOSTILE, "later"]
    assert found["sign"] == "ascending"
    assert found["descending"] == [HOSTILE, "1", "2", "base", "wide", "later"]


def test_artifacts_sort_by_their_exact_bytes(found: dict[str, Any]) -> None:
    assert [n for n in found["bytes"] if n not in "12"] == ["base", HOSTILE, "wide", "later"]


def test_deltas_sort_by_their_numbers_also_where_the_named_rows_are_numbers(
    found: dict[str, Any],
) -> None:
    assert found["deltas"][:4] == ["wide", "2", "1", HOSTILE]


def test_the_filter_keeps_rows_with_all_its_words(found: dict[str, Any]) -> None:
    assert found["filtered"] == ["wide"]


def test_a_click_on_a_row_shows_its_whole_configuration(found: dict[str, Any]) -> None:
    assert found["opened"] == ["model.rope_dims32", "data.dataset</script><b>bold</b>"]
    assert found["own"] == ["model.rope_dims", "32"]
    assert found["children"] == 0
    assert found["closed"] == 0


def test_a_curve_shows_while_the_pointer_is_on_its_row(found: dict[str, Any]) -> None:
    assert (found["curve"], found["shown"], found["hidden"]) == (1, "block", "none")


def test_hostile_names_are_only_names(found: dict[str, Any]) -> None:
    assert (found["title"], found["images"]) == ("made", 0)
    assert found["scripts"] == 3  # data, the page's own, and this test's


def test_the_page_asks_the_network_for_nothing(found: dict[str, Any]) -> None:
    assert found["requests"] == 0
    page = render_page(analyze(study(row("a", (1.0, 1.0)))))
    assert not re.findall(r"(?:src|href)=|@import|url\(", page)


def test_the_page_reads_without_scripts() -> None:
    page = render_page(analyze(made()))
    assert "<td" in page
    assert "1.2000" in page
    assert html.escape(HOSTILE) in page
    assert HOSTILE not in page
