"""What a server tells of a recall, as what the tables and the summary of a recall take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mba_integrations.commands.remote.reading import read
from mba_integrations.core.config.settings import PromptFormat
from mba_integrations.core.model import MemoryItem, MemoryTier, OmissionReason, QueryComplexity
from mba_integrations.core.result.candidates import Omitted, Selected, TierAllocation
from mba_integrations.services.memory.recalling.reply import NotConsidered

_APART = ("messages", "blocks", "explanation")
"""What a reply has beside the fields of `RecallReply.to_dict`."""


class ToldChoice:
    """How a choice was made, as far as it is printed; `selected` and `omitted` are the best of all.

    Args:
        told: A recall's reply, with its explanation.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        explained = told["explanation"]
        self.workspace_id: str = told["workspace_id"]
        self.used_tokens: int = told["used_tokens"]
        self.budget_tokens: int = told["budget_tokens"]
        self.complexity = QueryComplexity(told["complexity"])
        self.counter_id: str = explained["counter_id"]
        self.exact: bool = explained["exact"]
        self.prompt_format = PromptFormat(explained["prompt_format"])
        self.tiers = {
            MemoryTier(name): read(TierAllocation, usage) for name, usage in told["tiers"].items()
        }
        self.selected = tuple(
            Selected(**_decided(one), pinned=one["pinned"]) for one in explained["selected"]
        )
        self.omitted = tuple(
            Omitted(**_decided(one), reason=OmissionReason(one["reason"]), detail="")
            for one in explained["omitted"]
        )
        self._reasons = told["omitted_by_reason"]

    @property
    def utilisation(self) -> float:
        """The part of the budget that the prompt takes."""
        return self.used_tokens / self.budget_tokens if self.budget_tokens else 0.0

    def omission_counts(self) -> dict[OmissionReason, int]:
        """How many stayed out for each reason."""
        return {OmissionReason(name): count for name, count in self._reasons.items()}


class ToldRecall:
    """A recall's reply.

    Args:
        told: It, as the server sent it.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._told = told
        self.allocation = ToldChoice(told)
        self.prompt_text: str = told["prompt_text"]
        self.notes: Sequence[str] = told["notes"]
        self.selected: Sequence[Mapping[str, Any]] = told["selected"]
        self.not_considered = read(NotConsidered, told["not_considered"])

    def messages(self) -> list[dict[str, Any]]:
        """The prompt as messages."""
        found: list[dict[str, Any]] = self._told["messages"]
        return found

    def to_dict(self) -> dict[str, Any]:
        """The reply as JSON, as `RecallReply` writes it."""
        return {name: value for name, value in self._told.items() if name not in _APART}


def _decided(told: Mapping[str, Any]) -> dict[str, Any]:
    """What is printed of a candidate; its signals are sentences already."""
    return {
        "item": MemoryItem(told["id"], told["text"], told["tier"]),
        "signals": tuple(told["signals"]),
        **{name: told[name] for name in ("tokens", "score", "relevance")},
        **dict.fromkeys(("importance", "freshness"), 0.0),
    }
