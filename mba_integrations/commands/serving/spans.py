"""Spans of a server, sent by OpenTelemetry's own protocol to where its variables say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mba_integrations.core.errors import MissingExtraError

if TYPE_CHECKING:
    from mba_integrations.services.memory.tracing.traces import Traces

SERVICE = "mba"


@contextmanager
def sent_spans() -> Iterator[Traces]:
    """Traces that are sent while they are made, and to the last one before this ends.

    `OTEL_EXPORTER_OTLP_ENDPOINT` and the others of its kind say where to and how,
    `OTEL_SERVICE_NAME` under which name.

    Raises:
        MissingExtraError: If OpenTelemetry is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise MissingExtraError("mba serve --spans", extra="otel") from error
    from mba_integrations.services.memory.tracing.traces import Traces

    named = Resource({"service.name": SERVICE}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=named)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield Traces.to(provider)
    finally:
        provider.shutdown()
