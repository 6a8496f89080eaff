"""What an agent's middleware remembers of each thread, bounded.

It makes calls cheap; nothing else depends on it. The order of memories is remembered by the
allocator's sessions.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage

from mba_integrations.conversation.conversation import Conversation
from mba_integrations.langchain.memory_sources import FoundMemories
from mba_integrations.langchain.messages.counting import MessageCounter
from mba_integrations.langchain.messages.reading import MessageReader

MAX_THREADS = 64
"""A thread of 5,000 messages holds some 20 MB."""


@dataclass(slots=True)
class AgentThread:
    """One thread. Whoever reads or changes it holds the lock of its conversation.

    Attributes:
        counter: Counts its messages.
        session_id: The allocator's session in which memories keep their order.
        conversation: Its messages as they were last seen.
        found: The memories that were found for a question, with the question.
    """

    counter: MessageCounter
    session_id: str
    conversation: Conversation[BaseMessage]
    found: tuple[Any, FoundMemories] | None = None

    @property
    def lock(self) -> threading.Lock:
        """Calls on one thread at the same time wait for each other."""
        return self.conversation.lock


def new_thread(counter: MessageCounter, session_id: str) -> AgentThread:
    """A thread of which nothing is known."""
    return AgentThread(counter, session_id, Conversation(MessageReader(counter)))


class AgentThreads:
    """Threads by key; the one that was unused for longest goes first. Thread-safe.

    Args:
        capacity: How many are kept.
    """

    def __init__(self, capacity: int = MAX_THREADS) -> None:
        self._capacity = capacity
        self._threads: OrderedDict[object, AgentThread] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._threads)

    def get(self, key: object, make: Callable[[], AgentThread]) -> AgentThread:
        """The thread of a key; made now if there is none."""
        with self._lock:
            thread = self._threads.get(key)
            if thread is None:
                thread = self._threads[key] = make()
            self._threads.move_to_end(key)
            while len(self._threads) > self._capacity:
                self._threads.popitem(last=False)
            return thread
