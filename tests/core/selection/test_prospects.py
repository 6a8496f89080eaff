"""Packing the units that can come in is packing all of them, and counts few."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.layout.joined_texts import JoinedTexts
from mba_integrations.core.packing.pack import Packing, pack
from mba_integrations.core.packing.problem import PackingProblem
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.pool.token_column import TokenColumn
from mba_integrations.core.selection.prospects import pack_prospects
from mba_integrations.core.selection.units import form_units
from mba_integrations.core.value.worth import Worth

TIERS = tuple(MemoryTier)
OPENING = np.array([2, 3, 2, 4])


class BoundedCounter:
    """Counts the words of a text and the digits in them; it has the bound of OpenAI's encodings."""

    id = "tiktoken:o200k_base"
    exact = True

    def __init__(self) -> None:
        self.counted = 0

    def count(self, text: str, /) -> int:
        self.counted += 1
        return len(text.split()) + sum(map(int, filter(str.isdigit, text)))

    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        return [self.count(text) for text in texts]


def item(row: int, tokens: int, tier: int, share_of_words: float) -> MemoryItem:
    """An item of so many tokens, of which a part are words and the rest hidden in digits."""
    words = max(1, round(tokens * share_of_words))
    hidden = tokens - words
    nines, rest = divmod(hidden, 9)
    letters = ["w"] * (words - 1) + ["w" + "9" * nines + (str(rest) if rest else "")]
    return MemoryItem(f"m{row}", " ".join(letters), TIERS[tier])


class Instance:
    """Units with a budget, to be packed in both ways."""

    def __init__(
        self,
        items: list[MemoryItem],
        worth: FloatArray,
        *,
        per_token: bool,
        total: int,
        shares: Sequence[float],
        caps: Sequence[float],
        borrowing: bool,
        lazy: bool,
    ) -> None:
        self.counter = BoundedCounter()
        self.snapshot = PoolSnapshot(items)
        layout = JoinedTexts(separator="\n")
        self.column = TokenColumn(self.snapshot.items, layout, self.counter, lazy=lazy)
        self.units = form_units(
            self.snapshot,
            column=self.column,
            worth=Worth(of_item=worth, per_token=per_token),
            score=worth,
        )
        self.total, self.borrowing = total, borrowing
        self.shares = np.array(shares) * total
        self.caps = np.array(caps) * total

    def problem(self, rows: IntArray) -> PackingProblem:
        tokens = self.units.tokens(rows)
        return PackingProblem(
            value=self.units.value(rows, tokens),
            tokens=tokens,
            tier=self.units.tier[rows],
            total_tokens=self.total,
            tier_tokens=np.minimum(self.shares, self.caps),
            tier_cap_tokens=self.caps,
            opening_tokens=OPENING,
            borrowing=self.borrowing,
        )

    def by_prospects(self) -> Packing:
        return pack_prospects(
            self.snapshot.tier_rows,
            self.units,
            self.units.density,
            self.problem,
            np.minimum(self.shares, self.caps),
            OPENING,
        )

    def whole(self) -> Packing:
        return pack(self.problem(np.arange(len(self.units))))


def drawn(seed: int, count: int, total: int, **options: object) -> Instance:
    random = np.random.default_rng(seed)
    kind = str(options.pop("kind", "independent"))
    tokens = np.clip(random.lognormal(3.0, 0.8, count), 1, 300).astype(int)
    worth = random.beta(1, 4, count)
    if kind == "quantised":
        worth = np.ceil(worth * 5) / 5 * random.integers(0, 2, count)
    if kind == "equal":
        worth = np.full(count, 0.5)
    tiers = random.choice(4, count, p=[0.1, 0.3, 0.4, 0.2])
    words = random.choice([0.5, 0.7, 1.0], count)
    items = [item(row, *each) for row, each in enumerate(zip(tokens, tiers, words, strict=True))]
    shape: dict[str, object] = {
        "per_token": False,
        "total": total,
        "shares": (0.1, 0.4, 0.3, 0.2),
        "caps": (1.0, 1.0, 1.0, 1.0),
        "borrowing": True,
        "lazy": True,
        **options,
    }
    return Instance(items, worth, **shape)  # type: ignore[arg-type]


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.sampled_from([3, 40, 400, 1500]),
    total=st.sampled_from([7, 60, 400, 1500, 20_000]),
    kind=st.sampled_from(["independent", "quantised", "equal"]),
    per_token=st.booleans(),
    borrowing=st.booleans(),
    caps=st.sampled_from([(1.0, 1.0, 1.0, 1.0), (0.15, 0.5, 0.3, 0.4)]),
    lazy=st.booleans(),
)
def test_it_is_worth_what_packing_all_is_worth(
    seed: int, count: int, total: int, **options: object
) -> None:
    few, all_units = drawn(seed, count, total, **options), drawn(seed, count, total, **options)
    found, expected = few.by_prospects(), all_units.whole()
    if expected.proven_optimal:
        assert found.value == pytest.approx(expected.value, rel=1e-9, abs=1e-12)
    assert found.value >= expected.value * 0.997
    assert found.upper_bound >= expected.value * (1 - 1e-9)
    tokens = all_units.column.all()[found.chosen]
    opened = np.unique(all_units.units.tier[found.chosen])
    opening = OPENING[opened].sum()
    assert found.used_tokens == tokens.sum() + opening <= total
    assert not left_out_that_fit(all_units, found)


def left_out_that_fit(instance: Instance, packing: Packing) -> list[int]:
    """Units that are not chosen and would fit in what is idle."""
    units, used = instance.units, packing.tier_used_tokens
    limits = instance.caps if instance.borrowing else np.minimum(instance.shares, instance.caps)
    room = np.minimum(np.floor(limits + 1e-6) - used, instance.total - packing.used_tokens)
    room = room - np.where(used > 0, 0, OPENING)
    fits = instance.column.all() <= room[units.tier]
    fits[packing.chosen] = False
    return np.flatnonzero(fits).tolist()


@pytest.mark.parametrize("per_token", [True, False])
def test_few_of_many_items_are_counted(per_token: bool) -> None:
    instance = drawn(1, 5000, 600, per_token=per_token)
    packing = instance.by_prospects()
    assert instance.counter.counted < 1500
    assert packing.value == pytest.approx(drawn(1, 5000, 600, per_token=per_token).whole().value)


@pytest.mark.parametrize("last", [0.0001, 0.0], ids=["worth-little", "worth-nothing"])
@pytest.mark.parametrize("borrowing", [True, False])
def test_an_uncounted_item_that_fills_idle_tokens_comes_in(borrowing: bool, last: float) -> None:
    """Two good items leave 5 tokens idle; of many poor items one has 5."""
    items = [item(0, 40, 3, 1.0), item(1, 40, 3, 1.0)]
    items += [item(row, 9, 3, 0.3) for row in range(2, 400)]
    items.append(item(400, 5, 3, 0.3))
    worth = np.array([40.0, 40.0, *[0.001] * 398, last])
    options = {"shares": (0, 0, 0, 1.0), "caps": (1.0,) * 4, "borrowing": borrowing}
    shaped = Instance(items, worth, per_token=False, total=4 + 85, lazy=True, **options)  # type: ignore[arg-type]
    assert shaped.by_prospects().chosen.tolist() == [0, 1, 400]


def test_a_counter_without_a_bound_counts_all() -> None:
    class Unbounded(BoundedCounter):
        id = "words-and-digits"

    counter: TokenCounter = Unbounded()
    column = TokenColumn(
        [item(0, 5, 0, 1.0), item(1, 6, 1, 0.5)], JoinedTexts(), counter, lazy=True
    )
    assert column.complete
    assert column.all().tolist() == [5, 6]
