"""The probability of a learned estimate stands in what is told of a query."""

from __future__ import annotations

import math

import httpx2
import pytest

LEARNED = {"complexity": {"learned": {"intercept": 2.0, "weights": {}}}}


async def test_an_estimate_has_its_probability_where_one_was_learned(
    http: httpx2.AsyncClient,
) -> None:
    found = (await http.post("/v1/complexity", json={"query": "Why?"})).json()
    assert found["probability"] is None
    asked = {"query": "Why?", "settings": LEARNED}
    found = (await http.post("/v1/complexity", json=asked)).json()
    assert found["probability"] == pytest.approx(1.0 / (1.0 + math.exp(-2.0)))


async def test_a_whole_allocation_has_it_as_well(http: httpx2.AsyncClient) -> None:
    asked = {"query": "Why?", "items": [{"id": "a", "content": "Kate.", "tier": "rag"}]}
    plain = (await http.post("/v1/allocate", json=asked)).json()
    assert plain["complexity_probability"] is None
    found = (await http.post("/v1/allocate", json={**asked, "settings": LEARNED})).json()
    assert 0.8 < found["complexity_probability"] < 0.9
