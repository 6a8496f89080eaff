"""What cannot be packed is refused by the name of its field, with the number."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from mba_integrations.core.errors import InputError
from mba_integrations.core.packing.problem import PackingProblem

VALID = PackingProblem(
    value=np.array([0.5]),
    tokens=np.array([3]),
    tier=np.array([0]),
    total_tokens=10,
    tier_tokens=np.array([10.0]),
    tier_cap_tokens=np.array([np.inf]),
    opening_tokens=np.array([0]),
    borrowing=True,
)
VALID_EMPTY = np.zeros(0, dtype=np.int64)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"value": np.array([np.nan])}, "value must be finite", id="nan-value"),
        pytest.param({"value": np.array([np.inf])}, "value must be finite", id="infinite-value"),
        pytest.param({"value": np.array([-0.1])}, "value must be finite", id="negative-value"),
        pytest.param({"tokens": np.array([0])}, "tokens must be >= 1", id="no-tokens"),
        pytest.param({"tokens": np.array([1, 2])}, "tokens must have shape", id="lengths-differ"),
        pytest.param({"tokens": np.array([1.5])}, "tokens must hold integers", id="half-token"),
        pytest.param({"tier": np.array([1])}, r"tier must be in \[0, 0\]", id="unknown-tier"),
        pytest.param({"tier": np.array([-1])}, r"tier must be in \[0, 0\]", id="negative-tier"),
        pytest.param({"total_tokens": -1}, "total_tokens must be >= 0", id="negative-total"),
        pytest.param({"tier_tokens": np.array([-1.0])}, "tier_tokens must be", id="negative-share"),
        pytest.param({"tier_tokens": np.array([11.0])}, "must sum to total", id="shares-over"),
        pytest.param({"tier_cap_tokens": np.array([np.nan])}, "tier_cap_tokens must", id="nan-cap"),
        pytest.param({"opening_tokens": np.array([-1])}, "opening_tokens must", id="opening"),
        pytest.param({"value": np.zeros((1, 1))}, r"must have shape \(1,\)", id="two-dimensions"),
        pytest.param({"tier": np.array([0.0])}, "tier must hold integers", id="tier-of-floats"),
        pytest.param({"opening_tokens": np.array([0.5])}, "must hold integers", id="half-opening"),
        pytest.param({"tier_tokens": np.array([np.nan])}, "must be finite", id="nan-share"),
        pytest.param({"tier_cap_tokens": np.array([-1.0])}, "cap_tokens must", id="negative-cap"),
        pytest.param({"least_density": -0.1}, "least_density must be", id="negative-least"),
        pytest.param({"least_density": np.nan}, "least_density must be", id="nan-least"),
        pytest.param({"firm_tokens": np.array([-1.0])}, "firm_tokens must", id="negative-firm"),
        pytest.param({"firm_tokens": np.zeros(2)}, "firm_tokens must have", id="firm-of-two"),
    ],
)
def test_unusable_problems_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        dataclasses.replace(VALID, **change)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"value": np.array([0.0])}, id="no-value"),
        pytest.param({"total_tokens": 0, "tier_tokens": np.array([0.0])}, id="no-budget"),
        pytest.param({"tier_tokens": np.array([10.5])}, id="half-a-token-over-by-rounding"),
        pytest.param({"tokens": np.array([3], dtype=np.uint8)}, id="small-integers"),
        pytest.param({"tier_cap_tokens": np.array([0.0])}, id="a-cap-of-nothing"),
        pytest.param({"least_density": 9.0, "firm_tokens": np.array([10.0])}, id="firm-and-least"),
        pytest.param(dict.fromkeys(("value", "tokens", "tier"), VALID_EMPTY), id="no-items"),
    ],
)
def test_edges_that_can_be_packed_are_taken(change: dict[str, Any]) -> None:
    assert dataclasses.replace(VALID, **change).borrowing


def test_a_problem_without_a_tier_is_refused() -> None:
    none = dict.fromkeys(("value", "tokens", "tier", "opening_tokens"), VALID_EMPTY)
    floats = {name: np.zeros(0) for name in ("tier_tokens", "tier_cap_tokens")}
    with pytest.raises(InputError, match="at least one tier"):
        dataclasses.replace(VALID, **none, **floats)


def test_the_message_has_the_range_that_was_met() -> None:
    two = {"value": np.array([0.5, -2.0]), "tokens": np.array([1, 1]), "tier": np.array([0, 0])}
    with pytest.raises(InputError, match=r"got -2\.0 to 0\.5"):
        dataclasses.replace(VALID, **two)
    with pytest.raises(InputError, match=r"total_tokens \(10\) or less, got 10\.6"):
        dataclasses.replace(VALID, tier_tokens=np.array([10.6]))
