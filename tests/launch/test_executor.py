"""What a message keeps of the log of a job that failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf.launch.executor import START_LINE, TAIL_LINES, log_tail
from golf.records import FAILED_LINE

TORCHRUN = """\
E0919 12:00:00.000000 97 torch/distributed/elastic/multiprocessing/api.py:874] failed
Traceback (most recent call last):
============================================================
golf.stages FAILED
------------------------------------------------------------
Failures:
[1]:
  rank      : 1 (local_rank: 1)
  exitcode  : -15 (pid: 98) (SIGTERM)
  error_file: <N/A>
  traceback : Signal 15 (SIGTERM) received by PID 98
------------------------------------------------------------
Root Cause (first observed failure):
[0]:
  rank      : 0 (local_rank: 0)
  exitcode  : {code}
  error_file: <N/A>
  traceback : {message}
============================================================
"""
KILLED = TORCHRUN.format(
    code="-9 (pid: 97) (SIGKILL)", message="Signal 9 (SIGKILL) received by PID 97"
)
LEFT = TORCHRUN.format(code="1 (pid: 97)", message="To enable traceback see: https://...")


def tail(tmp_path: Path, *lines: str) -> list[str]:
    log = tmp_path / "log.txt"
    log.write_text("\n".join(["of before", f"{START_LINE}: torchrun", *lines]))
    return [line.strip() for line in log_tail(log).splitlines()]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], ["(the log is empty)"]),
        (["ours", LEFT], ["ours"]),
        ([LEFT], ["exit code 1, without a word"]),
        ([KILLED], ["exit code -9: Signal 9 (SIGKILL) received by PID 97"]),
        (["ours", KILLED], ["ours", "exit code -9: Signal 9 (SIGKILL) received by PID 97"]),
    ],
)
def test_a_signal_is_told_and_the_rest_of_the_summary_is_not(
    tmp_path: Path, lines: list[str], told: list[str]
) -> None:
    assert tail(tmp_path, *lines) == told


def test_every_node_that_failed_is_named_however_long_the_log(tmp_path: Path) -> None:
    failed = [f"{FAILED_LINE}runs/ttt/{i}: bpb is nan" for i in range(TAIL_LINES + 5)]
    others = [f"line {i}" for i in range(TAIL_LINES + 5)]
    told = tail(tmp_path, *failed, *others, LEFT)
    assert told == others[5:] + failed
