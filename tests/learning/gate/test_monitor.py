"""What trips the monitor, and what does not."""

from __future__ import annotations

import numpy as np
import pytest

from mba_integrations.learning.gate.monitor import Turn, tripped


def turns(
    count: int, *, useful: float = 1.0, liked: float = 0.9, used: float = 0.5, seed: int = 0
) -> list[Turn]:
    lots = np.random.default_rng(seed)
    return [
        Turn(
            utilisation=float(np.clip(used + 0.1 * lots.normal(), 0, 1)),
            useful=max(0.0, useful + 0.4 * lots.normal()),
            liked=bool(lots.random() < liked),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    ("after", "said"),
    [
        pytest.param(turns(100, useful=0.6, seed=1), "useful memories", id="less-is-useful"),
        pytest.param(turns(100, liked=0.3, seed=1), "a person liked", id="fewer-are-liked"),
        pytest.param(turns(100, used=0.9, seed=1), "use of the budget", id="more-is-used"),
    ],
)
def test_what_is_worse_trips(after: list[Turn], said: str) -> None:
    assert said in (tripped(turns(300), after) or "")


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(turns(29, useful=0.1), id="too-few"),
        pytest.param(turns(100, useful=1.5, used=0.2, liked=1.0), id="better"),
        pytest.param([Turn(utilisation=0.5)] * 100, id="nobody-said-anything"),
        pytest.param([], id="none-yet"),
    ],
)
def test_what_is_not_worse_does_not(after: list[Turn]) -> None:
    assert tripped(turns(300), after) is None


def test_a_small_loss_that_is_certain_does_not() -> None:
    assert tripped(turns(20_000), turns(20_000, useful=0.95, seed=1)) is None


def test_chance_trips_seldom() -> None:
    found = [tripped(turns(200, seed=seed), turns(60, seed=900 + seed)) for seed in range(300)]
    assert sum(one is not None for one in found) <= 6
