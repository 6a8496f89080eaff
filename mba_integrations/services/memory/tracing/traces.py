"""`Traces`: spans of recalls and their phases, of calls through the gateway, and of jobs.

Off unless somebody asks for them; then nothing of OpenTelemetry is imported. A span holds numbers
and names out of the settings, and ids; no text of a memory, a query or an error, unless
`include_text` says so.

Names are those of OpenTelemetry's conventions for generative AI where they have one, as they stand
in development: this table is the only place that has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mba_integrations.core.errors import MissingExtraError

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer, TracerProvider

OPERATION = "gen_ai.operation.name"
STORE = "gen_ai.memory.store.id"
RECORDS = "gen_ai.memory.record.count"
QUERY = "gen_ai.memory.query.text"
PROMPT = "gen_ai.memory.records"
CONVERSATION = "gen_ai.conversation.id"
PROVIDER = "gen_ai.provider.name"
MODEL = "gen_ai.request.model"
ANSWERED_BY = "gen_ai.response.model"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHED_TOKENS = "gen_ai.usage.cache_read.input_tokens"
ERROR = "error.type"
BUDGET = "mba.budget.tokens"
USED = "mba.used.tokens"
CONSIDERED = "mba.items.considered"
COMPLEXITY = "mba.complexity"
ALLOCATION = "mba.allocation.id"
MEMORY_TOKENS = "mba.memory.tokens"
SAVED_TOKENS = "mba.saved.tokens"
OUTCOME = "mba.outcome"
JOB_KIND = "mba.job.kind"
JOB_ATTEMPT = "mba.job.attempt"

Attributes = Mapping[str, Any]
Say = Callable[[Attributes], None]
"""Says more of a span; what is None is left out."""


class Traces:
    """Where spans go. Without a tracer nowhere.

    Args:
        tracer: Makes them; see `Traces.to`.
        include_text: Whether queries and prompts are in them.
    """

    def __init__(self, tracer: Tracer | None = None, *, include_text: bool = False) -> None:
        self._tracer = tracer
        self.include_text = include_text

    @classmethod
    def to(cls, provider: TracerProvider | None = None, *, include_text: bool = False) -> Traces:
        """Spans of a provider, by default of the one that the process has set.

        Raises:
            MissingExtraError: If OpenTelemetry is not installed.
        """
        try:
            from opentelemetry.trace import get_tracer
        except ImportError as error:
            raise MissingExtraError("traces", extra="otel") from error
        from mba_integrations import __version__

        made = get_tracer("mba_integrations", __version__, tracer_provider=provider)
        return cls(made, include_text=include_text)

    @contextmanager
    def span(self, name: str, attributes: Attributes) -> Iterator[Say]:
        """A span over a block; an error that leaves the block is in it by its class alone."""
        if self._tracer is None:
            yield _say_nothing
            return
        with self._tracer.start_as_current_span(
            name,
            attributes=_known(attributes),
            record_exception=self.include_text,
            set_status_on_exception=False,
        ) as span:
            try:
                yield lambda more: span.set_attributes(_known(more))
            except BaseException as error:
                _fail(span, type(error).__name__)
                raise

    def call(
        self, name: str, began_ns: int, attributes: Attributes, *, failure: str | None
    ) -> None:
        """A call of another service that ends now, and what failed it; None for nothing."""
        if self._tracer is None:
            return
        from opentelemetry.trace import SpanKind

        span = self._tracer.start_span(
            name, kind=SpanKind.CLIENT, attributes=_known(attributes), start_time=began_ns
        )
        if failure is not None:
            _fail(span, failure)
        span.end()

    def text(self, text: str) -> str | None:
        """A text, if texts are wanted."""
        return text if self.include_text else None


def _fail(span: Span, kind: str) -> None:
    from opentelemetry.trace import Status, StatusCode

    span.set_attribute(ERROR, kind)
    span.set_status(Status(StatusCode.ERROR, kind))


def _known(attributes: Attributes) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def _say_nothing(_: Attributes) -> None:
    """Nobody listens."""
