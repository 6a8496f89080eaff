"""Past recalls taken apart, and two side by side, as they are shown."""

from __future__ import annotations

from typing import Literal

from mba_integrations.core.model import MemoryTier
from mba_integrations.services.contracts.body import Body, Query, View
from mba_integrations.services.contracts.log import ArmView, DifferenceView, LoggedView
from mba_integrations.services.memory.past.allocations import difference, selected_ids
from mba_integrations.services.memory.past.apart import Apart, ApartItem
from mba_integrations.services.memory.past.beside import Beside


class ApartBody(Body):
    """The question, where it was not logged."""

    query: Query | None = None


class PartView(View):
    """A part of a prompt; its places are code points."""

    kind: Literal["heading", "item", "other"]
    tier: MemoryTier | None
    memory_id: str | None
    start: int
    end: int


class PromptView(View):
    """A prompt, with its text for who may read texts."""

    text: str | None
    parts: list[PartView]

    @classmethod
    def of(cls, found: Apart, *, with_texts: bool) -> PromptView:
        """The view of the prompt of a recall."""
        names = PartView.model_fields
        parts = [PartView(**{name: getattr(one, name) for name in names}) for one in found.parts]
        text = found.again.prompt_text if with_texts and found.again is not None else None
        return cls(text=text, parts=parts)


class ApartItemView(View):
    """A memory, in or out.

    `signals` says how strong what decided was, `why` the same in words of texts. A memory that is
    not `present` was forgotten, erased or pruned since.
    """

    memory_id: str
    tier: MemoryTier | None
    selected: bool
    tokens: int | None
    score: float | None
    usefulness: float | None
    reason: str | None
    reason_text: str | None
    signals: dict[str, float]
    why: list[str]
    text: str | None
    present: bool

    @classmethod
    def of(cls, item: ApartItem, *, with_texts: bool) -> ApartItemView:
        """The view of an item."""
        values = {name: getattr(item, name) for name in cls.model_fields}
        values |= {"signals": dict(item.signals), "why": list(item.why)}
        return cls(**(values if with_texts else {**values, "why": [], "text": None}))


class TierTotalsView(View):
    """Tokens of a tier: used, what it could use in the end, and its own share where known."""

    used: int
    available: int
    budget: int | None


class ApartView(View):
    """One past recall taken apart.

    `source` says whether signals, tokens of what stayed out and the prompt are those of the recall
    made again, or whether there is only what the log has.
    """

    allocation: LoggedView
    prompt: PromptView
    items: list[ApartItemView]
    totals: dict[MemoryTier, TierTotalsView]
    source: Literal["log", "replay"]
    notes: list[str]
    arm: ArmView | None

    @classmethod
    def of(cls, found: Apart, *, with_texts: bool) -> ApartView:
        """The view of a recall."""
        return cls(
            allocation=LoggedView.of(found.row, with_texts=with_texts),
            prompt=PromptView.of(found, with_texts=with_texts),
            items=[ApartItemView.of(one, with_texts=with_texts) for one in found.items],
            totals=_totals(found),
            source="log" if found.again is None else "replay",
            notes=list(found.notes),
            arm=ArmView.of(found.arm),
        )


def _totals(found: Apart) -> dict[MemoryTier, TierTotalsView]:
    logged = found.row.record["tiers"]
    shares = {} if found.again is None else found.again.tiers
    return {
        tier: TierTotalsView(
            used=logged[tier]["used_tokens"],
            available=logged[tier]["budget_tokens"],
            budget=shares[tier].share_tokens if tier in shares else None,
        )
        for tier in MemoryTier
        if tier in logged
    }


class SideView(View):
    """One of two recalls side by side."""

    allocation: LoggedView
    prompt: PromptView
    totals: dict[MemoryTier, TierTotalsView]
    source: Literal["log", "replay"]
    notes: list[str]

    @classmethod
    def of(cls, found: Apart, *, with_texts: bool) -> SideView:
        """The view of a recall."""
        view = ApartView.of(found, with_texts=with_texts)
        return cls(**{name: getattr(view, name) for name in cls.model_fields})


class BesideView(View):
    """Two past recalls side by side, and how far the second begins as the first."""

    first: SideView
    second: SideView
    prefix_chars: int
    prefix_tokens: int | None
    difference: DifferenceView

    @classmethod
    def of(cls, found: Beside, *, with_texts: bool) -> BesideView:
        """The view of two recalls."""
        ids = selected_ids(found.first.row), selected_ids(found.second.row)
        return cls(
            first=SideView.of(found.first, with_texts=with_texts),
            second=SideView.of(found.second, with_texts=with_texts),
            prefix_chars=found.prefix_chars,
            prefix_tokens=found.prefix_tokens,
            difference=DifferenceView.of(difference(*ids)),
        )
