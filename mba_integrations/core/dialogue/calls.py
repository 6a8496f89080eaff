"""Which message made the call that another one answers, wherever both stand.

For those who keep calls and results together without sending them to a provider; what a provider
takes is stricter, see `exchanges`.
"""

from __future__ import annotations

from collections.abc import Sequence

from mba_integrations.core.dialogue.exchanges import Said


def callers(messages: Sequence[Said]) -> dict[int, int]:
    """For the place of each message that calls or answers: the place of the call.

    Where an id is used again, the latest call before the answer counts.
    """
    found: dict[int, int] = {}
    latest: dict[str, int] = {}
    for place, message in enumerate(messages):
        if message.call_ids:
            found[place] = place
            latest |= dict.fromkeys(message.call_ids, place)
        else:
            answered = next((one for one in message.answers if one in latest), None)
            if answered is not None:
                found[place] = latest[answered]
    return found
