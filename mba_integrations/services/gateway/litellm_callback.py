"""`litellm_callback`: what the gateway does, as a callback of LiteLLM's proxy.

    config.yaml       litellm_settings: {callbacks: custom_mba.handler}
    custom_mba.py     handler = litellm_callback(MemoryService.open("memory.db"))

Chat completions, responses and messages have their route, their memory and their budgets by the
settings of a workspace; other calls go through. The workspace is that of the proxy's key, whose
metadata name it as `mba_workspace`: clients cannot write there. Nothing here needs LiteLLM but the
function that makes the callback.

The proxy asks models, retries and falls back, so what a call used is noted when the proxy says that
all of it is over. It says so of failures once by `async_post_call_failure_hook`; its failure event
comes with each attempt, and is not listened to.
"""

from __future__ import annotations

import atexit
import logging
import time
from collections.abc import Callable, Mapping, MutableMapping
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from fastapi import HTTPException

from mba_integrations.conversation.older import Chooser
from mba_integrations.core.errors import ConfigError, MemoryBudgetError
from mba_integrations.services.contracts.problems import problem_of
from mba_integrations.services.gateway.callback.answers import answer_of
from mba_integrations.services.gateway.callback.data import (
    api_of_call,
    body_of,
    headers_of,
    mark,
    marked,
    put_back,
)
from mba_integrations.services.gateway.callback.running import Call, Ended, Running
from mba_integrations.services.gateway.callers import DEFAULT_WORKSPACE
from mba_integrations.services.gateway.desk.asked import understood
from mba_integrations.services.gateway.desk.headers import not_understood
from mba_integrations.services.gateway.desk.parts import Parts
from mba_integrations.services.gateway.passing.calls import Finished, Outcome, Pairs
from mba_integrations.services.gateway.upkeep import Upkeep
from mba_integrations.services.gateway.wire.apis import Api
from mba_integrations.services.gateway.wire.reading import Unread
from mba_integrations.services.gateway.wire.replies import Reply
from mba_integrations.services.gateway.wire.usage import Usage
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.spending.budgets.errors import SpendExceededError

log = logging.getLogger("mba.gateway")

WORKSPACE = "mba_workspace"
"""Name of the workspace among the metadata of a key."""
_BROKEN = "Memory failed, and this workspace lets no call go on without it. The log has more."
_THREADS = 16
_T = TypeVar("_T")


class CallbackHooks:
    """The hooks that the proxy calls.

    Args:
        service: Whose workspaces.
        workspace_id: Of calls whose key names none.
        chooser: Chooses older messages of a conversation; None for the package's own.
        running: Where calls wait for their end; None for one with the usual limits.
    """

    def __init__(
        self,
        service: MemoryService,
        *,
        workspace_id: str = DEFAULT_WORKSPACE,
        chooser: Chooser | None = None,
        running: Running | None = None,
    ) -> None:
        super().__init__()
        self._service, self._workspace_id = service, workspace_id
        parts = Parts.of(service, chooser)
        self._deciding, self._ending = parts.deciding, parts.ending
        self._running = Running() if running is None else running
        self._limit = anyio.CapacityLimiter(_THREADS)
        self._upkeep = Upkeep([self.give_up, parts.spending.renew, parts.usage.flush])
        atexit.register(self.close)

    def close(self) -> None:
        """Write what waits to be written. A second time is no error."""
        atexit.unregister(self.close)
        self._upkeep.close()

    def give_up(self) -> None:
        """Settle calls whose end nobody told: for what was sent, and nothing else."""
        for ended in self._running.given_up():
            self._note(ended, "client_gone", 200 if ended.answered else None)

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: MutableMapping[str, Any], call_type: str
    ) -> MutableMapping[str, Any]:
        """Decide what is sent on of a call.

        Raises:
            HTTPException: If the call is refused.
        """
        api = api_of_call(call_type)
        if api is not None:
            await self._in_thread(partial(self._begin, api, data, user_api_key_dict))
        return data

    async def async_post_call_response_headers_hook(
        self,
        data: Mapping[str, Any],
        user_api_key_dict: Any,
        response: Any,
        request_headers: Any = None,
        litellm_call_info: Any = None,
    ) -> dict[str, str] | None:
        """What the client is told."""
        return dict(self._running.told(marked(data), answered=response is not None)) or None

    async def async_log_success_event(
        self, kwargs: Mapping[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """Note a call that was answered; of one whose client went, what had come."""
        known = kwargs.get("litellm_params") or {}
        ended = self._running.end(marked(known))
        if ended is None:
            return
        metadata = known.get("metadata") or {}
        finished: Finished = "client_gone" if metadata.get("client_disconnected") else "done"
        group = metadata.get("model_group")
        models = ended.decided.models
        attempt = models.index(group) if group in models else 0
        is_free = bool(kwargs.get("cache_hit"))  # the proxy's cache answered, and no provider

        def note() -> None:
            used, reply = answer_of(response_obj)
            used = Usage() if is_free else used
            self._note(ended, finished, 200, used=used, reply=reply, attempt=attempt)

        await self._in_thread(note)

    async def async_post_call_failure_hook(
        self,
        request_data: Mapping[str, Any],
        original_exception: Exception,
        user_api_key_dict: Any,
        traceback_str: str | None = None,
    ) -> None:
        """Note a call that failed, of which a part may have come."""
        ended = self._running.end(marked(request_data))
        if ended is not None:
            failed = getattr(original_exception, "status_code", None)
            status = 200 if ended.answered else failed if type(failed) is int else 500
            await self._in_thread(partial(self._note, ended, "upstream_failed", status))

    def _begin(self, api: Api, data: MutableMapping[str, Any], key: Any) -> None:
        try:
            self._decide(api, data, key)
        except SpendExceededError as error:
            raise _refused(error, error.retry_after_seconds) from error
        except MemoryBudgetError as error:
            raise _refused(error) from error
        except Exception as error:
            log.exception("a call cannot be decided")
            raise HTTPException(500, detail=_BROKEN) from error

    def _decide(self, api: Api, data: MutableMapping[str, Any], key: Any) -> None:
        began = time.perf_counter()
        asked = understood(
            self._service.workspaces.config(self._workspace_of(key)),
            api,
            body_of(data),
            headers=headers_of(data),
            key_id=getattr(key, "token", None) or "",
        )
        if isinstance(asked, Unread):
            self._await(Call(decided=None, headers=_shown(not_understood(asked.reason))), data)
            return
        decided = self._deciding.decided(asked)
        decided.log_notes()
        took = (time.perf_counter() - began) * 1_000
        headers = {**_shown(decided.headers), "x-mba-overhead-ms": f"{took:.2f}"}
        self._await(Call(decided=decided, headers=headers, overhead_ms=took), data)
        put_back(data, decided)

    def _await(self, call: Call, data: MutableMapping[str, Any]) -> None:
        mark(data, self._running.begin(call))
        self.give_up()  # the oldest, where this is one too many

    def _workspace_of(self, key: Any) -> str:
        named = (getattr(key, "metadata", None) or {}).get(WORKSPACE)
        return named if isinstance(named, str) else self._workspace_id

    def _note(
        self,
        ended: Ended,
        finished: Finished,
        status: int | None,
        *,
        used: Usage | None = None,
        reply: Reply | None = None,
        attempt: int = 0,
    ) -> None:
        outcome = Outcome(
            finished=finished,
            status=status,
            attempt=attempt,
            bytes_out=0,
            overhead_ms=ended.overhead_ms,
        )
        self._ending.note(ended.decided, outcome, used, reply)
        self._ending.write_if_due()

    async def _in_thread(self, act: Callable[[], _T]) -> _T:
        """Do what waits for the store; what it reserves is told of even if the client went."""
        with anyio.CancelScope(shield=True):
            done = await anyio.to_thread.run_sync(act, limiter=self._limit)
        return done


_HOOKS = (
    "async_pre_call_hook",
    "async_post_call_response_headers_hook",
    "async_log_success_event",
    "async_post_call_failure_hook",
)


def litellm_callback(
    service: MemoryService,
    *,
    workspace_id: str = DEFAULT_WORKSPACE,
    chooser: Chooser | None = None,
    running: Running | None = None,
) -> Any:
    """A callback for LiteLLM's proxy: a `CustomLogger` with the hooks of `CallbackHooks`.

    Args:
        service: Whose workspaces. It stays open as long as the proxy runs.
        workspace_id: Of calls whose key names none.
        chooser: Chooses older messages of a conversation; None for the package's own.
        running: Where calls wait for their end; None for one with the usual limits.

    Raises:
        ConfigError: If LiteLLM is not installed.
    """
    try:
        from litellm.integrations.custom_logger import CustomLogger
    except ImportError as error:
        raise ConfigError(
            "LiteLLM is not installed where this runs. The callback is for its proxy: "
            "pip install 'litellm[proxy]'.",
            key="litellm",
        ) from error
    # The proxy calls only hooks that a callback's own class has, not those that it inherits.
    own = {name: vars(CallbackHooks)[name] for name in _HOOKS}
    made = type("MemoryBudgetLogger", (CallbackHooks, CustomLogger), own)
    return made(service, workspace_id=workspace_id, chooser=chooser, running=running)


def _refused(error: MemoryBudgetError, retry_after: int | None = None) -> HTTPException:
    problem = problem_of(error)
    headers = None if retry_after is None else {"retry-after": str(retry_after)}
    return HTTPException(problem.kind.status, detail=problem.detail, headers=headers)


def _shown(pairs: Pairs) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in pairs}
