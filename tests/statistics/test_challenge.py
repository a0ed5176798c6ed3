"""The challenge's rule, in nats per token of each tokenizer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from golf.statistics.challenge import nats_to_bpb, record_test
from golf.statistics.delta import one_sample, welch

SP8192 = 3.7266  # bytes per token of the published 8192-token export


@pytest.mark.parametrize(("bytes_per_token", "bpb"), [(SP8192, 0.00194), (2.4359, 0.00296)])
def test_five_millinats_are_worth_more_bits_per_byte_in_short_tokens(
    bytes_per_token: float, bpb: float
) -> None:
    assert nats_to_bpb(0.005, bytes_per_token) == pytest.approx(bpb, abs=5e-6)


def test_the_null_hypothesis_is_a_gain_of_the_margin() -> None:
    new, old = [1.0610, 1.0612, 1.0608], [1.0640, 1.0642, 1.0636]
    found = record_test(welch(new, old), SP8192)
    margin = 0.005 / (np.log(2) * SP8192)
    reference = stats.ttest_ind(new, np.subtract(old, margin), equal_var=False, alternative="less")
    assert found.p == pytest.approx(reference.pvalue)
    assert found.gain_nats == pytest.approx((np.mean(old) - np.mean(new)) * np.log(2) * SP8192)
    assert found.passed == (reference.pvalue < 0.01)


def test_a_gain_under_the_margin_is_no_record_however_certain() -> None:
    certain = one_sample([1.0630001, 1.0630002, 1.0630003], 1.0640)
    assert certain.p_gain() < 1e-6
    assert not record_test(certain, SP8192).passed


def test_a_clear_gain_is_a_record() -> None:
    assert record_test(welch([1.060, 1.0601, 1.0602], [1.070, 1.0701, 1.0702]), SP8192).passed


def test_one_run_is_no_record() -> None:
    found = record_test(one_sample([1.0], 2.0), SP8192)
    assert (found.p, found.passed) == (None, False)
