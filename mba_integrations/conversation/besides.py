"""What is sent besides a conversation, such as memories: within its room, and what is left over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from mba_integrations.conversation.draft import Draft
from mba_integrations.core.errors import PinnedOverBudgetError

_WORTH_ASKING_TOKENS = 16
"""For fewer tokens nothing is chosen anew."""


class Besides(Protocol):
    """What was chosen to be sent besides.

    Attributes:
        tokens: What it costs.
        omits_some: Whether more room could bring in more.
    """

    @property
    def tokens(self) -> int: ...
    @property
    def omits_some(self) -> bool: ...


Chosen = TypeVar("Chosen", bound=Besides)


def choose_besides(draft: Draft[Any], choose: Callable[[int], Chosen]) -> Chosen:
    """Choose within the fair room, fill the draft, and choose again within what that leaves.

    Args:
        draft: The prompt; it is filled.
        choose: Chooses within so many tokens.

    Raises:
        PinnedOverBudgetError: If what *choose* has pinned does not fit beside the draft's pins.
    """
    chosen = with_pinned(choose, draft.room_besides(), draft.room_tokens)
    left = draft.fill(chosen.tokens)
    if left >= _WORTH_ASKING_TOKENS and chosen.omits_some:
        return choose(chosen.tokens + left)
    return chosen


def with_pinned(choose: Callable[[int], Chosen], fair_tokens: int, most_tokens: int) -> Chosen:
    """A choice within its fair room, or within what its own pinned items need.

    Pinned memories are sent, so a conversation that would like their room gives way, as far as its
    own pins leave room.

    Args:
        choose: Chooses within so many tokens.
        fair_tokens: Its fair room.
        most_tokens: All the room that could be given.

    Raises:
        PinnedOverBudgetError: If its pinned items need more than that.
    """
    while True:
        try:
            return choose(fair_tokens)
        except PinnedOverBudgetError as error:
            if not fair_tokens < error.needed_tokens <= most_tokens:
                raise
            fair_tokens = error.needed_tokens
