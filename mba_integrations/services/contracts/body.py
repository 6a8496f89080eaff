"""`Body` and `View`: what all requests, and all replies, have in common; kinds of fields.

A field takes the JSON type that it names and no other: "7" is no number and 1 is not true, as the
published schema says. A time needs a zone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from mba_integrations.services.memory.new_memory import MOST_TAGS, MOST_TEXT_BYTES
from mba_integrations.services.memory.recalling.request import MOST_QUERY_BYTES
from mba_integrations.services.store.scopes import LONGEST_ID

MOST_VECTOR = 8_192
"""Numbers of an embedding: four times the longest that is sold."""
MOST_NAMED = 1_000
"""Ids that one request may name."""


class Body(BaseModel):
    """A request."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class View(BaseModel):
    """A reply."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _written(value: Any) -> Any:
    if isinstance(value, str | datetime):
        return value
    raise ValueError("must be a text such as 2026-11-01T09:30:00Z")


Id = Annotated[str, Field(strict=True, min_length=1, max_length=LONGEST_ID)]
Text = Annotated[str, Field(strict=True, min_length=1, max_length=MOST_TEXT_BYTES)]
Query = Annotated[str, Field(strict=True, max_length=MOST_QUERY_BYTES)]
Whole = Annotated[int, Field(strict=True, ge=0, le=2**53)]
Tokens = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]
Number = Annotated[float, Field(strict=True)]
Part = Annotated[float, Field(strict=True, ge=0.0, le=1.0)]
Flag = StrictBool
Moment = Annotated[AwareDatetime, BeforeValidator(_written)]
Ids = Annotated[list[Id], Field(min_length=1, max_length=MOST_NAMED)]
Tags = Annotated[list[Id], Field(max_length=MOST_TAGS)]
Vector = Annotated[list[Number], Field(min_length=1, max_length=MOST_VECTOR)]
Metadata = dict[str, Any]
Reason = Annotated[str, Field(strict=True, min_length=1, max_length=2_000)]
