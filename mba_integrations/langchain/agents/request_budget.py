"""How many tokens the messages of a model call may have, and why.

Given, or the model's window less what goes beside the messages: tool schemas, the schema of
structured output, and the reply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel

from mba_integrations.core.errors import BudgetError, InputError
from mba_integrations.langchain.messages.counting import MessageCounter

if TYPE_CHECKING:
    from langchain.agents.middleware import ModelRequest

_REPLY_SETTINGS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
_LARGEST_DEFAULT_REPLY_PART = 4
"""Without a setting, at most a quarter of the window is set aside for the reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestBudget:
    """Tokens for the messages of one call.

    Attributes:
        tokens: All that the model may receive as messages, the system message included.
        source: Where the number comes from, in words.
    """

    tokens: int
    source: str


def budget_of(
    request: ModelRequest[Any], counter: MessageCounter, given: int | None, reply: int | None
) -> RequestBudget:
    """The budget of a call.

    Args:
        request: The call.
        counter: Counts schemas.
        given: A budget for the messages, which is taken as it is.
        reply: Tokens to set aside for the reply; None reads them from the call and the model.

    Raises:
        InputError: If none is given and the model does not tell its window.
        BudgetError: If nothing of the window is left.
    """
    if given is not None:
        return RequestBudget(tokens=given, source="budget_tokens")
    window = window_tokens(request.model)
    if window is None:
        raise InputError(
            f"{type(request.model).__name__} has no profile with max_input_tokens. "
            "Give budget_tokens."
        )
    tools = counter.tool_tokens(request.tools)
    schema = _response_tokens(request.response_format, counter)
    reserve = reply if reply is not None else reply_tokens(request, window)
    left = window - tools - schema - reserve
    source = (
        f"max_input_tokens {window:,} less tools {tools:,}, structured output {schema:,}, "
        f"reply {reserve:,}"
    )
    if left < 1:
        raise BudgetError(
            f"nothing is left for messages: {source}. Bind fewer tools or lower reply_tokens.",
            needed_tokens=tools + schema + reserve + 1,
            budget_tokens=window,
        )
    return RequestBudget(tokens=left, source=source)


def window_tokens(model: BaseChatModel) -> int | None:
    """`max_input_tokens` of the model's profile; None where it has none."""
    profile = getattr(model, "profile", None)
    window = profile.get("max_input_tokens") if isinstance(profile, Mapping) else None
    return window if isinstance(window, int) and window > 0 else None


def reply_tokens(request: ModelRequest[Any], window: int) -> int:
    """What the call or the model sets as most for the reply, else what its profile says, up to a
    quarter of the window."""
    for name in _REPLY_SETTINGS:
        for value in (request.model_settings.get(name), getattr(request.model, name, None)):
            if isinstance(value, int) and value > 0:
                return value
    profile = getattr(request.model, "profile", None) or {}
    most = profile.get("max_output_tokens")
    limit = window // _LARGEST_DEFAULT_REPLY_PART
    return min(most, limit) if isinstance(most, int) and most > 0 else limit


def _response_tokens(response_format: Any, counter: MessageCounter) -> int:
    """Tokens of the schemas of structured output, which are bound after all middleware."""
    if response_format is None:
        return 0
    specs = getattr(response_format, "schema_specs", None)
    if specs is None and hasattr(response_format, "schema_spec"):
        specs = [response_format.schema_spec]
    if specs is not None:
        described = [(spec.name, spec.description, spec.json_schema) for spec in specs]
        return sum(counter.schema_tokens({"function": list(one)}) for one in described)
    schema = getattr(response_format, "schema", response_format)
    if isinstance(schema, Mapping):
        return counter.schema_tokens(schema)
    return counter.tool_tokens([schema])


def model_name(model: BaseChatModel) -> str:
    """The name under which the provider knows the model, or that of its class."""
    for attribute in ("model_name", "model"):
        name = getattr(model, attribute, None)
        if isinstance(name, str) and name.strip():
            return name
    return type(model).__name__
