"""``golf compare`` on bare numbers: the real program against scipy."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from scipy import stats

NEW, OLD = [1.0610, 1.0613, 1.0608], [1.0641, 1.0638, 1.0644]


def golf(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "golf", "compare", *arguments]
    return subprocess.run(line, capture_output=True, text=True, cwd="/", check=False)


def asked(*arguments: str) -> dict[str, Any]:
    done = golf("--candidate", ",".join(map(str, NEW)), *arguments, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


BASELINE = ("--baseline", ",".join(map(str, OLD)))


@pytest.mark.parametrize(
    ("flags", "test", "reference"),
    [
        (BASELINE, "welch", stats.ttest_ind(OLD, NEW, equal_var=False, alternative="greater")),
        ((*BASELINE, "--paired"), "paired", stats.ttest_rel(OLD, NEW, alternative="greater")),
        (
            ("--fixed", "1.0641"),
            "one-sample",
            stats.ttest_1samp(np.subtract(1.0641, NEW), 0, alternative="greater"),
        ),
    ],
)
def test_each_test_agrees_with_scipy(flags: tuple[str, ...], test: str, reference: Any) -> None:
    found = asked(*flags)
    assert found["test"] == test
    assert found["t"] == pytest.approx(reference.statistic)
    assert found["df"] == pytest.approx(reference.df)
    assert found["p_one_sided"] == pytest.approx(reference.pvalue)


def test_the_interval_is_of_candidate_minus_baseline() -> None:
    reference = stats.ttest_ind(NEW, OLD, equal_var=False)
    found = asked(*BASELINE, "--confidence", "0.9")
    assert found["interval"] == pytest.approx(reference.confidence_interval(0.9))
    assert found["delta"] == pytest.approx(np.mean(NEW) - np.mean(OLD))
    assert found["delta"] == -found["gain"]


def test_a_margin_in_nats_is_converted_with_the_bytes_of_a_token() -> None:
    found = asked(*BASELINE, "--margin", "0.005", "--unit", "nats", "--bytes-per-token", "3.7")
    margin = 0.005 / (math.log(2) * 3.7)
    shifted = np.subtract(OLD, margin)
    reference = stats.ttest_ind(NEW, shifted, equal_var=False, alternative="less")
    assert found["margin_bpb"] == pytest.approx(margin)
    assert found["p_one_sided"] == pytest.approx(reference.pvalue)
    assert found["t"] == pytest.approx(-reference.statistic)


def test_the_rule_for_a_record_pairs_nothing() -> None:
    new, old = [1.06, 1.07, 1.08], [1.0701, 1.0799, 1.0902]
    sides = ("--candidate", "1.06,1.07,1.08", "--baseline", "1.0701,1.0799,1.0902")
    asking = (*sides, "--paired", "--bytes-per-token", "2.4")
    found = json.loads(golf(*asking, "--json").stdout)
    margin = 0.005 / (math.log(2) * 2.4)
    reference = stats.ttest_ind(new, np.subtract(old, margin), equal_var=False, alternative="less")
    assert found["test"] == "paired"
    assert found["record"]["p"] == pytest.approx(reference.pvalue)
    assert "\nrecord     no: gain +0.0167 nats per token" in golf(*asking).stdout


def test_one_value_a_side_is_told_and_not_tested() -> None:
    done = golf("--candidate", "1.06", "--baseline", "1.07")
    assert done.returncode == 0
    assert "no test" in done.stdout
    assert "-0.01" in done.stdout


def test_the_text_says_the_same() -> None:
    done = golf("--candidate", "1.06,1.07", "--baseline", "1.08,1.09")
    assert "Welch" in done.stdout
    assert "t          2.8284, 2 degrees of freedom" in done.stdout
    assert "p          0.05279 one-sided" in done.stdout


@pytest.mark.parametrize(("confidence", "share"), [("0.999", "99.9"), ("0.975", "97.5")])
def test_a_confidence_is_told_as_it_was_asked(confidence: str, share: str) -> None:
    done = golf("--candidate", "1.0,1.1", "--baseline", "1.2,1.3", "--confidence", confidence)
    assert f" ({share}%)\n" in done.stdout


def test_no_difference_has_no_sign_and_one_degree_is_one() -> None:
    done = golf("--candidate", "1.06,1.08", "--fixed", "1.07")
    assert "t          0.0000, 1 degree of freedom\n" in done.stdout


@pytest.mark.parametrize("values", ["3", "3,4", "1,2,3", "10,11", "3.5,12", "1.0,1.1"])
def test_whole_numbers_are_scores_too(values: str) -> None:
    assert golf("--candidate", values, "--fixed", "1").returncode == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--candidate", "1.06,x", "--fixed", "1"), "--candidate wants numbers, found '1.06,x'"),
        (("--candidate", "nan", "--fixed", "1"), "--candidate wants numbers, found 'nan'"),
        *(
            (("--candidate", x, "--fixed", "1"), f"--candidate wants decimal points, found '{x}'")
            for x in ("1,06", "1,06 1,17", "1,16,1,17")
        ),
        (("--candidate", "1.06,1.07"), "compare with --baseline or with --fixed"),
        (
            ("--candidate", "1,2", "--fixed", "1", "--margin", "0.1", "--unit", "nats"),
            "a margin in nats needs the tokenizer's bytes per token",
        ),
        (
            ("--candidate", "1,2", "--baseline", "1,2,3", "--paired"),
            "--paired wants as many values on both sides, found 2 and 3",
        ),
        (("--candidate", "1,2", "--fixed", "nan"), "--fixed wants a number, found nan"),
        (("--candidate", "1,2", "--fixed", "1", "--margin", "nan"), "--margin is a gain"),
        (("--candidate", "1,2", "--fixed", "1", "--margin", "inf"), "--margin is a gain"),
        (("--candidate", "1e308,-1e308", "--fixed", "0"), "--candidate wants numbers, found"),
        (
            ("--candidate", "1,2", "--fixed", "1", "--bytes-per-token", "1e-320"),
            "--bytes-per-token lies between 0.001 and 1e+06",
        ),
        (("--candidate", "1,2", "--fixed", "1", "--unit", "bits"), "no unit 'bits'"),
        (("--candidate", "1,2", "--fixed", "1", "--confidence", "95"), "--confidence lies"),
        (
            ("--candidate", "1,2", "--fixed", "1", "--confidence", "0.9999999999999999"),
            "--confidence lies",
        ),
    ],
)
def test_a_question_without_an_answer_is_told_plainly(flags: tuple[str, ...], message: str) -> None:
    done = golf(*flags)
    assert done.returncode == 2
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr
