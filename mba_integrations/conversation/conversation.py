"""`Conversation`: all that is kept of one conversation between its prompts."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Generic

import numpy as np

from mba_integrations.conversation.history import History, Place
from mba_integrations.conversation.message import Framework, Reader
from mba_integrations.conversation.older import OlderMessages, searched_text
from mba_integrations.conversation.results import ShortenedResults


class Conversation(Generic[Framework]):
    """One conversation. Whoever uses it holds its lock.

    Args:
        reader: Reads messages.
        question_first: As for `History`.

    Attributes:
        history: The messages of now.
        older: Those of them that are chosen from.
        shortened: The results that were shortened for the prompt before.
        lock: Calls on one conversation at the same time wait for each other.
    """

    def __init__(self, reader: Reader[Framework], *, question_first: bool = False) -> None:
        self.history = History(reader, question_first=question_first)
        self.older = OlderMessages()
        self.shortened = ShortenedResults()
        self.lock = threading.Lock()

    def update(self, messages: Sequence[Framework]) -> None:
        """Take over the messages of now."""
        self.older.forget_from(self.history.update(messages))

    @property
    def is_answered(self) -> bool:
        """Whether nothing waits for an answer: no user message, and no round."""
        last = self.history.last
        if last is None or not last.has_question:
            return True
        return len(last.talk) > 1 and last.open_round is None and last.waiting is None

    def texts(self) -> list[str]:
        """What an embedder would be asked for: the text of each message that may be chosen."""
        free = np.flatnonzero(self.history.costs.kind == Place.FREE)
        return [searched_text(self.history.messages[place]) for place in free.tolist()]

    def demand_tokens(self) -> int:
        """What all that may be sent would cost."""
        costs = self.history.costs
        return int(costs.full[costs.kind != Place.UNUSABLE].sum())
