"""What modules of the page compute, asked of them in the browser."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from dashboard_tests import Browse
    from playwright.sync_api import Page


@pytest.fixture
def page(browse: Browse) -> Page:
    """A page of the server."""
    return browse("#/").page


def called(page: Page, module: str, name: str, *given: object) -> Any:
    """What a function of a module gives."""
    script = "async ([path, name, given]) => (await import(path))[name](...given)"
    return page.evaluate(script, [f"/dashboard/js/{module}.js", name, list(given)])


def test_ids_come_back_from_an_address(page: Page) -> None:
    script = """async ([parts, reason]) => {
      const { href, parsed } = await import("/dashboard/js/router.js");
      const found = parsed(href(parts, { reason }));
      return [found.parts, found.query.get("reason")];
    }"""
    for parts in (["w", "kate/home"], ["a?b#c", "d%2Fe"], ["ü €", "\u202e"], []):
        assert page.evaluate(script, [parts, "a&b=c"]) == [parts, "a&b=c"]


def test_budgets_to_try_rise_to_four_times_that_of_the_prompt(page: Page) -> None:
    for budget in (1, 7, 450, 128_000):
        budgets = called(page, "prompt/slider", "budgetsAround", budget)
        assert budget in budgets
        assert all(one < other for one, other in pairwise(budgets))
        assert (budgets[0] >= 1, budgets[-1]) == (True, 4 * budget)
        assert len(budgets) <= 64  # as many as the server tries


def test_parts_of_a_prompt_leave_no_gap(page: Page) -> None:
    parts = [{"kind": "item", "start": 5, "end": 9}, {"kind": "heading", "start": 2, "end": 4}]
    covered = called(page, "prompt/written", "covering", parts, 12)
    assert [(one["kind"], one["start"], one["end"]) for one in covered] == [
        *[("other", 0, 2), ("heading", 2, 4), ("other", 4, 5), ("item", 5, 9), ("other", 9, 12)]
    ]


def test_figures_and_texts_have_the_form_that_suits_them(page: Page) -> None:
    durations = {None: "–", 0: "0 ms", 0.0042: "4.2 µs", 3.14159: "3.14 ms", 2_100: "2.1 s"}
    assert {one: called(page, "format", "ms", one) for one in durations} == durations
    assert called(page, "format", "cut", "😀" * 10, 4) == "😀😀😀…"  # never half a sign
    assert called(page, "format", "cut", "😀" * 4, 4) == "😀" * 4


def test_spans_without_prompts_are_drawn_as_such(page: Page) -> None:
    script = """async (groups) => {
      const value = (group) => group.allocation_count;
      const range = { since: 3600, until: 3600 * 5, step: 3600, value };
      return (await import("/dashboard/js/charts.js")).filled(groups, range);
    }"""
    groups = [{"key": "1970-01-01T03:00:00+00:00", "allocation_count": 7}]
    found = page.evaluate(script, groups)
    assert found["times"] == [3_600, 7_200, 10_800, 14_400, 18_000]
    assert found["values"] == [0, 0, 7, 0, 0]
