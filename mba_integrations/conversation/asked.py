"""What is searched for: a question, with the exchange that it hangs on.

"And how do I undo it?" finds nothing in a store of memories, nor among older messages. Where the
wording says that a question hangs on what was said last, what the user and the assistant said since
the user's last message is searched for as well. The core does the same for an item of working
memory; memories and older messages are searched apart from the newest ones, so it cannot there.
"""

from __future__ import annotations

from collections.abc import Iterable

from mba_integrations.core.dialogue.follow_up import FOLLOWS, follow_up_points
from mba_integrations.core.dialogue.roles import Role

_MOST_CHARS = 500
"""Of each message: what a longer one is about stands at its beginning."""
_MOST_MESSAGES = 8


def searched_for(question: str, before: Iterable[tuple[Role, str]]) -> str:
    """The text to search for.

    Args:
        question: What is asked.
        before: Role and text of the messages so far, the newest first; read as far as needed. The
            question itself may be among them.

    >>> talk = [(Role.ASSISTANT, "With git rebase -i."), (Role.USER, "How do I squash commits?")]
    >>> searched_for("and how do I undo it?", talk)
    'and how do I undo it?\\nHow do I squash commits?\\nWith git rebase -i.'
    >>> searched_for("Where is the office of the north branch?", talk)
    'Where is the office of the north branch?'
    """
    if follow_up_points(question) < FOLLOWS:
        return question
    found: list[str] = []
    for role, text in before:
        if role is Role.USER and text == question:
            found.clear()
            continue
        if role in (Role.USER, Role.ASSISTANT) and text.strip():
            found.insert(0, text[:_MOST_CHARS])
        if role is Role.USER or len(found) == _MOST_MESSAGES:
            break
    return "\n".join([question, *found])
