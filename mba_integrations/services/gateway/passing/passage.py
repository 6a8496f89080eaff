"""`Passage`: one call on its way, from what is prepared to how it ended.

While it waits and while it answers it watches whether the client is there; when the client goes,
everything that is done for it is cancelled, and the preparer hears how far it came.
"""

from __future__ import annotations

import logging
import time

import anyio

from mba_integrations.services.gateway.passing.asking import Asker, UpstreamError
from mba_integrations.services.gateway.passing.calls import (
    Call,
    Finished,
    Outcome,
    Prepared,
    Preparing,
    Refusal,
)
from mba_integrations.services.gateway.passing.failures import BROKEN
from mba_integrations.services.gateway.passing.handing import Handing
from mba_integrations.services.gateway.passing.incoming import ClientGoneError, Incoming

log = logging.getLogger("mba.gateway")
_END_SECONDS = 10.0
"""That hearing of the end may take: the connection of the client is done with by then."""


class Passage:
    """A call.

    Args:
        call: What is asked.
        incoming: The client's body, and whether it is there.
        handing: What it is sent.
        preparing: Says what becomes of the call.
        asker: Asks the provider.
    """

    def __init__(
        self, call: Call, incoming: Incoming, handing: Handing, preparing: Preparing, asker: Asker
    ) -> None:
        self._call = call
        self._incoming = incoming
        self._handing = handing
        self._preparing = preparing
        self._asker = asker
        self._prepared: Prepared | None = None
        self._finished: Finished = "client_gone"
        self._attempt = 0
        self._overhead_ms = 0.0

    async def run(self) -> None:
        """Answer the client, or end when it is gone."""
        try:
            async with anyio.create_task_group() as both:

                async def watch() -> None:
                    await self._incoming.gone()
                    both.cancel_scope.cancel()

                both.start_soon(watch)
                await self._pass()
                both.cancel_scope.cancel()
        finally:
            await self._say_the_end()

    async def _pass(self) -> None:
        try:
            prepared = await self._prepare()
            if isinstance(prepared, Refusal):
                await self._handing.refuse(prepared)
            else:
                await self._ask(prepared)
            self._finished = "done"
        except ClientGoneError:
            pass
        except UpstreamError as error:
            self._finished = "upstream_failed"
            await self._handing.tell(error.failure)
        except Exception:
            self._finished = "upstream_failed"
            log.exception("a call of the gateway failed")
            await self._handing.tell(BROKEN)

    async def _prepare(self) -> Prepared | Refusal:
        began = time.perf_counter()
        prepared = await self._preparing.prepare(self._call)
        self._overhead_ms = (time.perf_counter() - began) * 1000
        if isinstance(prepared, Prepared):
            self._prepared = prepared
        return prepared

    async def _ask(self, prepared: Prepared) -> None:
        reply = await self._asker.ask(self._call, prepared, self._incoming)
        self._attempt = reply.attempt
        overhead = (b"x-mba-overhead-ms", f"{self._overhead_ms:.2f}".encode())
        silent = self._asker.patience.between_seconds
        try:
            await self._handing.hand_on(reply, prepared, (*reply.headers_out, overhead), silent)
        finally:
            with anyio.CancelScope(shield=True):
                await reply.stream.aclose()

    async def _say_the_end(self) -> None:
        if self._prepared is None or self._prepared.on_end is None:
            return
        outcome = Outcome(
            finished=self._finished,
            status=self._handing.status,
            attempt=self._attempt,
            bytes_out=self._handing.bytes_out,
            overhead_ms=self._overhead_ms,
        )
        try:
            with anyio.move_on_after(_END_SECONDS, shield=True):
                await self._prepared.on_end(outcome)
        except Exception:
            log.exception("the end of a call cannot be noted")
