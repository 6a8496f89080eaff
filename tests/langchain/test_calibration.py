"""Counts corrected by what providers report: a fixed part, and one that grows with the request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.langchain.agents.usage_calibration import (
    LARGEST_SLOPE,
    LATEST,
    MOST_FIXED,
    Correction,
    UsageCalibration,
)

Reports = list[tuple[int, int]]


def calibrated(reports: Reports) -> UsageCalibration:
    calibration = UsageCalibration()
    for estimated, reported in reports:
        calibration.observe("m", reported=reported, estimated=estimated)
    return calibration


@pytest.mark.parametrize(
    ("reports", "budget", "scaled"),
    [
        pytest.param([], 100, 100, id="nothing-known"),
        pytest.param([(8, 31)], 75_000, 74_977, id="one-small-request-tells-a-fixed-part"),
        pytest.param([(8, 31), (9, 32), (12, 36)], 75_000, 74_976, id="small-ones-tell-no-more"),
        pytest.param([(8, 354)], 75_000, 74_654, id="a-fixed-part-may-be-many-times-the-request"),
        pytest.param([(1_000, 1_023), (9_000, 9_023)], 75_000, 74_977, id="the-same-at-any-size"),
        pytest.param([(1_000, 1_223), (9_000, 10_823)], 75_023, 62_500, id="offset-and-slope"),
        pytest.param([(1_000, 1_200), (9_000, 10_800)], 12_000, 10_000, id="slope-alone"),
        pytest.param([(50_000, 60_512)], 60_512, 50_000, id="too-much-for-a-fixed-part"),
        pytest.param([(1_000, 1_500), (1_000, 1_100)], 3_000, 2_500, id="highest-of-the-latest"),
        pytest.param([(8, 31)] + [(9, 9)] * LATEST, 300, 300, id="old-ones-are-forgotten"),
        pytest.param([(100, 80), (5_000, 900)], 300, 300, id="over-counted-is-not-made-use-of"),
        pytest.param(
            [(1_000, 10), (5_000, 5_000)], 5_000, 5_000, id="cached-tokens-apart-tell-no-slope"
        ),
        pytest.param([(100, 2_000), (100, 0), (0, 5)], 300, 300, id="nonsense-is-ignored"),
        pytest.param([(8, 31)], 20, 5, id="a-budget-below-the-report-shrinks-in-proportion"),
    ],
)
def test_reports_make_budgets_smaller(reports: Reports, budget: int, scaled: int) -> None:
    calibration = calibrated(reports)
    assert calibration.scaled("m", budget) == scaled
    assert calibration.scaled("another", budget) == budget


REPORTS = st.lists(
    st.tuples(st.integers(1, 100_000), st.integers(1, 100_000)), min_size=1, max_size=LATEST
)


@given(REPORTS, st.integers(1, 200_000))
def test_what_was_reported_would_have_been_within_the_budget(reports: Reports, budget: int) -> None:
    """Of the requests seen, none that the smaller budget lets through was reported as larger."""
    allowed = calibrated(reports).scaled("m", budget)
    assert 0 <= allowed <= budget
    for estimated, reported in reports:
        if estimated <= allowed and reported <= LARGEST_SLOPE * estimated:
            assert reported <= budget


@given(st.integers(0, MOST_FIXED), st.integers(100, 390), st.integers(1_000, 50_000))
def test_two_requests_of_different_size_tell_any_line(offset: int, slope: int, size: int) -> None:
    reports = [(one, offset + one * slope // 100) for one in (size, 3 * size)]
    found = calibrated(reports).correction("m", 100_000)
    assert found.slope == pytest.approx(slope / 100, abs=0.001)
    assert found.offset == pytest.approx(offset, abs=2)


def test_a_correction_says_what_it_does() -> None:
    assert str(Correction(1_023, 1.25)) == "less 1,023, by 1.25"
    assert str(Correction(0, 1.25)) == "by 1.25"


def test_a_budget_below_the_only_report_loses_in_proportion_and_one_above_it_a_fixed_part() -> None:
    one_report = calibrated([(200, 400)])
    assert one_report.scaled("m", 100) == 50
    assert one_report.scaled("m", 400) == 200
    assert one_report.scaled("m", 10_000) == 9_800
