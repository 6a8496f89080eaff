"""Which calls are decided, and ended, on the event loop: a thread costs more than they take.

Nothing that is done there waits for the store, and none of it keeps the loop longer than about a
millisecond: the settings of the workspace leave the request as it is, and it is small.
"""

from __future__ import annotations

from mba_integrations.core.config.gateway_settings import GatewaySettings, Inject, Routing
from mba_integrations.services.gateway.desk.deciding import Decided
from mba_integrations.services.gateway.passing.calls import Call
from mba_integrations.services.spending.routing.choosing import AUTO

MOST_BYTES = 2 * 1024
"""Of a request: to read a query's level takes the longest, 0.6 ms for 1,000 characters."""
MOST_REPLY_BYTES = 16 * 1024
_AUTO = AUTO.encode()


def is_decided_quickly(call: Call, settings: GatewaySettings) -> bool:
    """Whether deciding a call waits for nothing."""
    if call.api is None or call.body is None:
        return True
    does_something = (
        settings.spend
        or settings.request_tokens is not None
        or settings.inject is not Inject.OFF
        or settings.route is not Routing.OFF
    )
    return not does_something and len(call.body) <= MOST_BYTES and _AUTO not in call.body


def is_ended_quickly(decided: Decided, reply_bytes: int) -> bool:
    """Whether the end of a call writes nothing but what it used, which is written later."""
    writes = (
        decided.reservation.reservation_id
        or decided.after != decided.before
        or decided.asked.settings.remember
    )
    return not writes and reply_bytes <= MOST_REPLY_BYTES
