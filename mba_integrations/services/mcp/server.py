"""`memory_server`: the SDK's server over a memory service. Both protocol revisions, no session.

Who calls, and of which workspace, is in the scope of the HTTP request, where `http` put it. Work
runs in threads, so that one call does not hold up another.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import mcp_types as types
from anyio import CapacityLimiter, to_thread
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError

from mba_integrations import __version__
from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.mcp.arguments import checked_arguments
from mba_integrations.services.mcp.definitions import (
    INSTRUCTIONS,
    LISTS_TTL_MS,
    NAME,
    PROMPTS,
    RESOURCE_TEMPLATES,
    TITLE,
    TOOLS,
    resources,
)
from mba_integrations.services.mcp.tools import change
from mba_integrations.services.mcp.tools.caller import Caller
from mba_integrations.services.mcp.tools.explain import explain
from mba_integrations.services.mcp.tools.feedback import feedback
from mba_integrations.services.mcp.tools.problems import told
from mba_integrations.services.mcp.tools.prompts import prompt
from mba_integrations.services.mcp.tools.recall import RecentRecalls, recall
from mba_integrations.services.mcp.tools.reply import RECEIPT_KEY, Reply
from mba_integrations.services.mcp.tools.resources import read
from mba_integrations.services.mcp.tools.status import status
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.memory.tallies import Event

_log = logging.getLogger(__name__)
_THREADS = 8
CALLER_KEY = "mba.caller"
"""Where a request's scope has its caller."""
_UNFORESEEN = "this failed for a reason that is in the server's log. Go on without memory."

Context = ServerRequestContext[Any, Any]
Work = Callable[[Caller, Any], Reply]
Result = TypeVar("Result")


class MemoryHandlers:
    """Requests of the protocol as calls of the tools.

    Args:
        service: Whose memories.
    """

    def __init__(self, service: MemoryService) -> None:
        recent = RecentRecalls()
        self._tallies = service.tallies
        self._limiter = CapacityLimiter(_THREADS)
        self._works: dict[str, Work] = {
            "recall": partial(recall, service, recent),
            "remember": partial(change.remember, service),
            "revise": partial(change.revise, service),
            "forget": partial(change.forget, service),
            "explain": partial(explain, service, recent),
            "feedback": partial(feedback, service, recent),
            "status": lambda caller, _: status(service, caller),
        }
        self._read = partial(read, service, recent)
        self._prompt = partial(prompt, service, recent)

    async def list_tools(self, _: Context, __: object) -> types.ListToolsResult:
        """The six tools that models are told of."""
        return types.ListToolsResult.model_validate({"tools": TOOLS})

    async def list_prompts(self, _: Context, __: object) -> types.ListPromptsResult:
        """The prompts."""
        return types.ListPromptsResult.model_validate({"prompts": PROMPTS})

    async def list_templates(self, _: Context, __: object) -> types.ListResourceTemplatesResult:
        """Resources that an id belongs to."""
        listed = {"resourceTemplates": RESOURCE_TEMPLATES}
        return types.ListResourceTemplatesResult.model_validate(listed)

    async def list_resources(self, context: Context, _: object) -> types.ListResourcesResult:
        """Resources that are always there."""
        listed = {"resources": resources(_caller(context).workspace_id)}
        return types.ListResourcesResult.model_validate(listed)

    async def call_tool(
        self, context: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        """Do what a tool does; what goes wrong is told to the model."""
        caller = _caller(context)

        def work() -> Reply:
            arguments = checked_arguments(params.name, params.arguments)
            return self._works[params.name](caller, arguments)

        try:
            reply = await self._in_thread(work)
        except MemoryBudgetError as error:
            self._count(params.name, "refused")
            return _result(told(error), is_error=True)
        except Exception:
            _log.exception("tool %s failed", params.name)
            self._count(params.name, "failed")
            return _result(_UNFORESEEN, is_error=True)
        self._count(params.name, "ok")
        return _result(reply.text, receipt=dict(reply.receipt))

    async def read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """What stands at a URI."""
        uri = str(params.uri)
        found = await self._answered(context, lambda caller: self._read(caller, uri))
        content = types.TextResourceContents(uri=uri, text=found.text, mime_type=found.mime_type)
        return types.ReadResourceResult(contents=[content], ttl_ms=found.ttl_ms)

    async def get_prompt(
        self, context: Context, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        """A prompt with what it needs of the memories."""
        arguments = params.arguments or {}
        text = await self._answered(
            context, lambda caller: self._prompt(caller, params.name, arguments)
        )
        said = types.PromptMessage(role="user", content=types.TextContent(type="text", text=text))
        return types.GetPromptResult(messages=[said])

    async def _answered(self, context: Context, work: Callable[[Caller], Result]) -> Result:
        """What the work gives; what goes wrong is an error of the protocol."""
        caller = _caller(context)
        try:
            return await self._in_thread(partial(work, caller))
        except MemoryBudgetError as error:
            raise MCPError(types.INVALID_PARAMS, told(error)) from error

    def _count(self, tool: str, outcome: str) -> None:
        self._tallies.count(Event.TOOL, tool if tool in self._works else "other", outcome)

    def _in_thread(self, work: Callable[[], Result]) -> Awaitable[Result]:
        return to_thread.run_sync(work, limiter=self._limiter)


def memory_server(service: MemoryService) -> Server[Any]:
    """The server over a service."""
    handlers = MemoryHandlers(service)
    fixed = CacheHint(ttl_ms=LISTS_TTL_MS, scope="public")
    return Server(
        NAME,
        title=TITLE,
        version=__version__,
        instructions=INSTRUCTIONS,
        cache_hints={
            "server/discover": fixed,
            "tools/list": fixed,
            "prompts/list": fixed,
            "resources/templates/list": fixed,
        },
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        on_list_prompts=handlers.list_prompts,
        on_get_prompt=handlers.get_prompt,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=handlers.read_resource,
    )


def _caller(context: Context) -> Caller:
    caller = context.request.scope[CALLER_KEY] if context.request is not None else None
    if not isinstance(caller, Caller):
        raise MCPError(types.INTERNAL_ERROR, "the request has no caller")
    return caller


def _result(
    text: str, *, receipt: dict[str, Any] | None = None, is_error: bool = False
) -> types.CallToolResult:
    block = types.TextContent(type="text", text=text)
    meta = {RECEIPT_KEY: receipt} if receipt else None
    return types.CallToolResult(content=[block], is_error=is_error, _meta=meta)
