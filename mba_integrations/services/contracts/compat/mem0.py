"""What mem0's clients send, those of its own server and of its hosted one alike.

A field that is not known is refused, since nothing of it would be done. Those under `Ignored` are
taken and change nothing: the answer would be the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from mba_integrations.services.contracts.body import (
    MOST_NAMED,
    Body,
    Flag,
    Metadata,
    Number,
    Part,
    Query,
    Text,
)
from mba_integrations.services.mem0.filters import ENTITIES
from mba_integrations.services.memory.remembering.given import MOST_AT_ONCE

MOST_FOUND = 100
_Name = Annotated[str, Field(max_length=4_096)]
_Day = Annotated[str, Field(strict=True, min_length=1, max_length=64)]
_Word = Annotated[str, Field(strict=True, min_length=1, max_length=512)]
_Moment = Annotated[str, Field(strict=True, min_length=1, max_length=64)] | Number
_Filters = dict[str, Any]


class Ignored(Body):
    """What there is one way of here, and no choice."""

    version: str | None = None
    output_format: str | None = None
    async_mode: bool | None = None
    rerank: bool | None = None
    keyword_search: bool | None = None
    latest_only: bool | None = None


class Entities(Body):
    """Whose memories."""

    user_id: _Name | None = None
    agent_id: _Name | None = None
    app_id: _Name | None = None
    run_id: _Name | None = None

    def named(self) -> dict[str, Any]:
        """Those that are named; an empty name names none."""
        return {name: getattr(self, name) for name in ENTITIES if getattr(self, name)}


class ListQuery(Entities):
    """Whose memories to list, and how many."""

    top_k: Annotated[int, Field(ge=1, le=1_000)] = 100
    show_expired: bool = False


class Filtered(Entities):
    """Which memories."""

    filters: _Filters | None = None

    def wanted(self) -> _Filters:
        """All conditions as one filter."""
        parts = [one for one in (self.filters, self.named(), *self._more()) if one]
        return parts[0] if len(parts) == 1 else {"AND": parts}

    def _more(self) -> Iterator[_Filters]:
        yield from ()


class MessageBody(Body):
    """A message of a conversation."""

    role: _Word
    content: Annotated[str, Field(strict=True)] | None = None
    name: _Word | None = None


def _as_messages(given: Any) -> Any:
    """A text alone is what the user said."""
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    return [given] if isinstance(given, Mapping) else given


class AddBody(Filtered, Ignored):
    """Messages to keep."""

    messages: Annotated[
        list[MessageBody],
        Field(min_length=1, max_length=MOST_AT_ONCE),
        BeforeValidator(_as_messages, json_schema_input_type=list[MessageBody] | str),
    ]
    metadata: Metadata | None = None
    infer: Flag | None = None
    timestamp: _Moment | None = None
    expiration_date: _Day | None = None

    def about(self) -> dict[str, Any]:
        """What all memories of the request have."""
        filters = self.filters or {}
        named = {name: filters[name] for name in ENTITIES if isinstance(filters.get(name), str)}
        return {
            **named,
            **self.named(),
            "metadata": self.metadata,
            "created_at": self.timestamp,
            "expiration_date": self.expiration_date,
        }


class ListBody(Filtered, Ignored):
    """Which memories to list."""

    categories: list[_Word] | None = None
    start_date: _Day | None = None
    end_date: _Day | None = None
    show_expired: bool = False

    def _more(self) -> Iterator[_Filters]:
        if self.categories:
            yield {"categories": {"in": self.categories}}
        times = {"gte": self.start_date, "lte": self.end_date}
        given = {how: time for how, time in times.items() if time is not None}
        if given:
            yield {"created_at": given}


class SearchBody(Filtered, Ignored):
    """A question."""

    query: Annotated[Query, Field(min_length=1)]
    top_k: Annotated[int, Field(strict=True, ge=1, le=MOST_FOUND)] = 10
    threshold: Part | None = None
    categories: list[_Word] | None = None

    def _more(self) -> Iterator[_Filters]:
        if self.categories:
            yield {"categories": {"in": self.categories}}


class UpdateBody(Body):
    """What changes. mem0's own server called the text `data` before."""

    text: Text | None = None
    data: Text | None = None
    metadata: Metadata | None = None
    timestamp: _Moment | None = None
    expiration_date: _Day | None = None

    @model_validator(mode="after")
    def _check_something(self) -> UpdateBody:
        if not self.model_fields_set:
            raise ValueError("name text, metadata, timestamp or expiration_date")
        return self

    def change(self) -> dict[str, Any]:
        """What changes, by name; an expiration date of null clears it."""
        given = self.model_dump(exclude_unset=True, exclude={"data", "memory_id"})
        return given if self.data is None else {**given, "text": self.data}


class OneOfManyBody(UpdateBody):
    """What changes in one of many."""

    memory_id: _Word


class UpdateManyBody(Body):
    """Changes of many memories."""

    memories: Annotated[list[OneOfManyBody], Field(min_length=1, max_length=MOST_NAMED)]


class NamedBody(Body):
    """One of many memories."""

    memory_id: _Word


class DeleteManyBody(Body):
    """Memories to delete."""

    memories: Annotated[list[NamedBody], Field(min_length=1, max_length=MOST_NAMED)]
