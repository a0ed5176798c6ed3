"""Waves run to their end by the real program, whatever interrupts it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from tests.launch.conftest import SOLO, Golf
from tests.launch.test_run import wait_for

SHAPE = SOLO.replace("name: tiny", "name: shape") + ("rows: {wide: {model_dim: 64}}\n")
CHAIN = (
    SOLO.replace("name: tiny", "name: chain")
    + """\
rows:
  int4: {bits: 4}
  late: {ttt_lr: 0.05}
waves:
  - {rows: [int4]}
  - {rows: [late], baseline: {winner_of: shape.yaml, margin: 0}}
  - {combine: winners, of: [2], name: all, margin: 9}
"""
)


def test_a_chain_of_matrices_runs_to_its_end_after_an_interrupt(golf: Golf) -> None:
    folder = golf.root / "matrices"
    (folder / "shape.yaml").write_text(SHAPE)
    (folder / "chain.yaml").write_text(CHAIN)
    out, _ = golf("plan", "matrices/chain.yaml")
    assert "waiting for the winner of shape.yaml: late" in out
    assert "before: matrices/shape.yaml has" in out

    process = golf.start("run", "matrices/chain.yaml")
    assert wait_for(lambda: len(golf.results()) > 2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130

    _, err = golf("run", "matrices/chain.yaml")
    ledger = json.loads((golf.root / "runs" / "matrices" / "chain.json").read_text())
    shape, waves = ledger["waves"]
    assert (shape["source"], waves["source"]) == ("shape.yaml", "2")
    assert {gain["n"] for gain in shape["gains"]} == {1}
    assert shape["rule"] in err
    rows = [
        row["row"] for row in json.loads(golf("plan", "matrices/chain.yaml", "--json")[0])["rows"]
    ]
    base = [] if shape["winner"] == "baseline" else ["shape/wide"]
    assert rows == ["baseline", "int4", *base, "late", "all"]
    assert "nothing to run" in golf("run", "matrices/chain.yaml")[1]


def test_the_report_of_a_study_with_waves_has_the_rows_that_are_known(golf: Golf) -> None:
    path = Path(golf.matrix)
    path.write_text(CHAIN.replace("name: chain", "name: tiny"))
    (path.parent / "shape.yaml").write_text(SHAPE)
    assert "| int4" in golf("report", "matrices/tiny.yaml")[0]
