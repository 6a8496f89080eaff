"""Units with a budget, whose tokens are counted when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.layout.joined_texts import JoinedTexts
from mba_integrations.core.packing.pack import Packing, pack
from mba_integrations.core.packing.problem import PackingProblem
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.pool.token_column import TokenColumn
from mba_integrations.core.selection.units.prospects import Kept, pack_prospects
from mba_integrations.core.selection.units.units import form_units
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
        least: float = 0.0,
        firm: float = 0.0,
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
            label=self.snapshot.columns.group if self.snapshot.has_groups else None,
        )
        self.total, self.borrowing = total, borrowing
        self.shares = np.array(shares) * total
        self.caps = np.array(caps) * total
        self.least = least
        self.firm = np.minimum(self.shares, self.caps) * firm

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
            least_density=self.least,
            firm_tokens=self.firm,
        )

    def by_prospects(self) -> Packing:
        return pack_prospects(
            self.snapshot.tier_rows,
            self.units,
            self.units.density,
            self.problem,
            [
                Kept(
                    share_tokens=float(share),
                    opening_tokens=int(opening),
                    firm_tokens=float(firm),
                    least_density=self.least,
                )
                for share, firm, opening in zip(
                    np.minimum(self.shares, self.caps), self.firm, OPENING, strict=True
                )
            ],
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
