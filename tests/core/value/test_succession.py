"""Of two statements about the same thing the newer one comes in."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import Any

import numpy as np
import pytest
from fakes import CharCounter
from strategies import NOW

from mba_integrations import Allocation, MemoryBudgetAllocator, MemoryItem, MemoryTier
from mba_integrations.core.arrays import FloatArray, best_rows
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.search.lexical import LexicalIndex
from mba_integrations.core.value.need import succession

OLD, NEW = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)
OTHERS = [
    MemoryItem(f"n{number}", f"Room {number} has a blue lamp and a desk.", "project")
    for number in range(12)
]


def pair(newer: str, **other: Any) -> list[MemoryItem]:
    """An older statement that matches the question better, and a newer one."""
    old = MemoryItem(
        "old", "The release day is Thursday, merge until noon.", "project", created_at=OLD
    )
    keywords = {"tier": "project", "created_at": NEW, **other}
    return [old, MemoryItem("new", newer, **keywords), *OTHERS]


def allocate(items: list[MemoryItem], budget: int = 5_000) -> Allocation:
    allocator = MemoryBudgetAllocator(CharCounter())
    query = "On which day is the release, and how long can I merge?"
    return allocator.allocate_memory_budget(query, items, budget_tokens=budget, now=NOW)


CHANGED = "From now on the release goes out each Tuesday instead of Thursday."
SAME = "The release day is the 14th, merge until noon."


def is_raised(items: list[MemoryItem]) -> bool:
    allocation = allocate(items)
    reasons = [str(signal) for signal in allocation.decision("new").signals]
    return "newer than old" in reasons


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param(pair(CHANGED), True, id="says-that-it-changed"),
        pytest.param(pair("Ab sofort: release am Dienstag statt Thursday."), True, id="german"),
        pytest.param(pair("RELEASE MOVED FROM THURSDAY TO FRIDAY."), True, id="capitals"),
        pytest.param(
            pair("The release goes out each Tuesday, says Thursday's note."), False, id="no-change"
        ),
        pytest.param(pair(CHANGED, created_at=datetime(2025, 1, 1, tzinfo=UTC)), False, id="older"),
        pytest.param(pair(CHANGED, created_at=None), False, id="without-a-date"),
        pytest.param(pair("From now on the lamp is blue on Thursday."), False, id="other-subject"),
        pytest.param(pair(CHANGED, tier="working"), False, id="conversation"),
        pytest.param(pair(CHANGED, metadata={"speaker": "Kate"}), False, id="message-of-somebody"),
        pytest.param(pair(CHANGED + " Text." * 200), False, id="no-statement"),
    ],
)
def test_a_newer_statement_counts_as_much_as_the_older_one(
    items: list[MemoryItem], expected: bool
) -> None:
    assert is_raised(items) == expected


def test_where_one_fits_it_is_the_newer_one_though_the_older_one_is_shorter() -> None:
    items = pair(CHANGED + " Merge until ten.")
    assert len(items[1].content) > 1.5 * len(items[0].content)
    room = len("## Project\n") + len("- [2026-01-01] \n") + len(items[1].content)
    assert allocate(items, room).selected_ids == ("new",)


def test_an_older_statement_is_lowered_once_for_all_that_come_after_it() -> None:
    found = succession.with_successors(np.array([0.5, 0.1, 0.2]), {1: 0, 2: 0})
    assert found.tolist() == pytest.approx([0.5 * succession.OLDER_PART, 0.5, 0.5])


def test_numbers_differ_in_statements_that_are_else_the_same() -> None:
    old = MemoryItem(
        "old", "The release day is the 12th, merge until noon.", "project", created_at=OLD
    )
    new = MemoryItem("new", "Merge until noon, the release day: 14th.", "project", created_at=NEW)
    same = MemoryItem("new", "Merge until noon, the release day: 12th.", "project", created_at=NEW)
    scored = allocate([old, new, *OTHERS])
    assert scored.decision("new").score >= scored.decision("old").score - 1e-12
    assert not is_raised([old, same, *OTHERS])


def test_the_newer_one_comes_in_beside_the_older_one_which_keeps_most() -> None:
    items = pair(CHANGED)
    plain = [item for item in items if item.id != "new"]
    scored, before = allocate(items), allocate(plain)
    assert scored.decision("new").score >= scored.decision("old").score > 0.0
    assert scored.decision("old").score > 0.1 * before.decision("old").score
    room = (
        len("## Project\n")
        + len("- [2026-01-01] \n") * 2
        + sum(len(item.content) for item in items[:2])
    )
    assert set(allocate(items, room).selected_ids) == {"old", "new"}


@pytest.mark.parametrize(
    ("newer", "expected"),
    [
        pytest.param(CHANGED, 9, id="one-that-says-so-with-the-likeliest-eight"),
        pytest.param("The release goes out each Tuesday.", 0, id="none-that-says-anything-else"),
    ],
)
def test_only_texts_that_can_come_after_another_are_cut_into_terms(
    newer: str, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut: set[int] = set()
    real = LexicalIndex.term_weights_of

    def counted(index: LexicalIndex, row: int) -> dict[str, float]:
        cut.add(row)
        return real(index, row)

    monkeypatch.setattr(LexicalIndex, "term_weights_of", counted)
    many = [
        MemoryItem(f"m{number}", f"The release of part {number}.", "project", created_at=OLD)
        for number in range(300)
    ]
    snapshot = PoolSnapshot([*many[:20], *pair(newer), *many[20:]])
    succession.successors("release", snapshot, np.linspace(1.0, 0.0, len(snapshot)))
    assert len(cut) == expected


SUBJECTS = [
    ("The release of the server is on", "day", "From now on", "no longer"),
    ("Die Häuser der Stadt sind nicht offen am", "Tag", "Ab sofort", "stattdessen"),
    ("Les clés de la maison sont chez nous le", "jour", "Désormais", "nouvelles"),
    ("Где ключи от дома и когда их взять", "день", "Теперь", "больше не"),
    ("サーバーの公開日は", "日", "変更", "今後"),
]


def random_pool(seed: int) -> PoolSnapshot:
    """Statements about few subjects, in several languages and at several times."""
    random = Random(seed)

    def item(number: int) -> MemoryItem:
        about, day, *says = random.choice(SUBJECTS)
        words = about.split()
        said = [word for word in words if random.random() < 0.8] or words
        said += random.choices(["", day, "Berlin", "Kate", "12", "14th", "9:30"], k=3)
        said += random.choices(["", "parseJsonFile", random.choice(says)], [4, 1, 3])
        text = " ".join(said) * random.choice([1, 1, 1, 1, 40])
        created_at = random.choice([None, OLD, NEW, NOW])
        speaker = {"speaker": "Kate"} if random.random() < 0.2 else {}
        tier = random.choice(["project", "project", "long_term", "working"])
        return MemoryItem(f"i{number}", text, tier, created_at=created_at, metadata=speaker)

    return PoolSnapshot([item(number) for number in range(random.choice([0, 1, 5, 40, 90]))])


def plain_successors(query: str, snapshot: PoolSnapshot, probability: FloatArray) -> dict[int, int]:
    """The same by comparing each two, as the first lines of the module tell it."""

    @cache
    def terms(row: int) -> dict[str, float]:
        weights = snapshot.lexical.term_weights(snapshot.texts[row])
        return {term: weight for term, weight in weights.items() if not term[0].isdigit()}

    def numbers(row: int) -> set[str]:
        return set(re.findall(r"\d+(?:[.,:]\d+)*", snapshot.texts[row]))

    def in_common(newer: int, older: int) -> float:
        new, old = terms(newer), terms(older)
        shared = set(new) & set(old)
        if len(shared) < 2 or not shared & set(snapshot.lexical.term_weights(query)):
            return 0.0
        weight = sum(old[term] for term in sorted(shared))
        is_note = "speaker" not in snapshot.items[newer].metadata
        if is_note and SAYS_CHANGE.search(snapshot.texts[newer]):
            return weight if weight >= 0.1 * sum(old.values()) else 0.0
        if not (numbers(newer) - numbers(older) and numbers(older) - numbers(newer)):
            return 0.0
        most = max(sum(new.values()), sum(old.values()))
        return weight if weight >= 0.6 * most else 0.0

    def may_count(row: int) -> bool:
        item = snapshot.items[row]
        is_statement = item.created_at is not None and len(item.content) <= 600
        return is_statement and item.tier is not MemoryTier.WORKING

    created = snapshot.columns.created_seconds
    rows = [row for row in best_rows(probability, 48).tolist() if may_count(row)]
    found: dict[int, int] = {}
    for older in rows[:8]:
        alike = {row: in_common(row, older) for row in rows if created[row] > created[older]}
        newer = max(alike, key=lambda row: alike[row], default=older)
        if alike.get(newer, 0.0) > 0.0 and probability[newer] < probability[older]:
            found.setdefault(newer, older)
    return found


SAYS_CHANGE = re.compile(
    r"\b(?:from now on|no longer|ab sofort|stattdessen|désormais|nouvelles|теперь|больше не)\b"
    r"|変更|今後",
    re.IGNORECASE,
)


def test_what_is_found_is_what_comparing_each_two_finds() -> None:
    found = 0
    for seed in range(30):
        snapshot = random_pool(seed)
        probability = np.random.default_rng(seed).random(len(snapshot)).round(1)
        query = " ".join(about for about, *_ in Random(seed).sample(SUBJECTS, 3))
        expected = plain_successors(query, snapshot, probability)
        assert succession.successors(query, snapshot, probability) == expected
        found += len(expected)
    assert found > 9


def test_a_pool_keeps_some_of_the_statements_that_were_compared() -> None:
    texts = [f"The release of part {number} is on day {number}." for number in range(200)]
    snapshot = PoolSnapshot([MemoryItem(text, text, "project", created_at=OLD) for text in texts])
    said = succession._said_of(snapshot)
    for row in range(len(texts)):
        assert "releas" in said[row].terms
    assert said is succession._said_of(snapshot)
    assert len(said) <= 64 + len(texts) // 32
