"""Spans of recalls and jobs: what they say, what they never say, and that nothing is loaded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from memory_services import Opened

from mba_integrations.core.errors import MissingExtraError, PinnedOverBudgetError
from mba_integrations.services.memory.tracing.traces import Traces

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

SECRET = "swordfish"


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    """Keeps spans."""
    kind = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    kept = kind.InMemorySpanExporter()
    yield kept
    kept.shutdown()


def traces(exporter: InMemorySpanExporter, *, include_text: bool = False) -> Traces:
    """Traces that end in the exporter."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Traces.to(provider, include_text=include_text)


def by_name(exporter: InMemorySpanExporter) -> dict[str, Any]:
    """The spans by their names, of which each is there once."""
    spans = exporter.get_finished_spans()
    assert len({span.name for span in spans}) == len(spans)
    return {span.name: span for span in spans}


def all_said(exporter: InMemorySpanExporter) -> str:
    """All that the spans say."""
    return "".join(span.to_json() for span in exporter.get_finished_spans())


def test_a_recall_has_its_phases_within_it(opened: Opened, exporter: InMemorySpanExporter) -> None:
    service = opened(traces=traces(exporter))
    service.create_workspace("kate")
    service.remember("kate", [f"The word is {SECRET} {number}." for number in range(3)])
    reply = service.recall("kate", f"Is it {SECRET}?", session_id="s1", budget_tokens=50)
    spans = by_name(exporter)
    assert spans.keys() == {"recall", "recall load", "recall embed", "allocate"}
    whole = spans["recall"]
    for name in ("recall load", "recall embed", "allocate"):
        assert spans[name].parent.span_id == whole.context.span_id
        assert whole.start_time <= spans[name].start_time <= spans[name].end_time <= whole.end_time
    assert dict(whole.attributes) == {
        "gen_ai.operation.name": "search_memory",
        "gen_ai.memory.store.id": "kate",
        "gen_ai.conversation.id": "s1",
        "gen_ai.memory.record.count": 3,
        "mba.allocation.id": reply.allocation_id,
        "mba.budget.tokens": 50,
        "mba.used.tokens": reply.allocation.used_tokens,
        "mba.complexity": "simple",
    }
    assert dict(spans["allocate"].attributes) == {"mba.items.considered": 3}
    assert SECRET not in all_said(exporter)


def test_texts_are_said_where_they_are_asked_for(
    opened: Opened, exporter: InMemorySpanExporter
) -> None:
    service = opened(traces=traces(exporter, include_text=True))
    service.create_workspace("kate")
    service.remember("kate", f"The word is {SECRET}.")
    reply = service.recall("kate", "Which word?", budget_tokens=50)
    said = by_name(exporter)["recall"].attributes
    assert said["gen_ai.memory.query.text"] == "Which word?"
    assert said["gen_ai.memory.records"] == reply.prompt_text


def test_an_error_is_told_by_its_class_alone(
    opened: Opened, exporter: InMemorySpanExporter
) -> None:
    service = opened(traces=traces(exporter))
    service.create_workspace("kate")
    service.remember("kate", f"{SECRET} " * 30)
    service.pin("kate", service.list("kate").rows[0].memory_id)
    with pytest.raises(PinnedOverBudgetError):
        service.recall("kate", f"{SECRET}?", budget_tokens=5)
    failed = by_name(exporter)["recall"]
    assert failed.attributes["error.type"] == "PinnedOverBudgetError"
    assert failed.status.status_code.name == "ERROR"
    assert SECRET not in all_said(exporter)


def test_a_job_has_a_span_and_one_that_fails_says_so(
    opened: Opened, exporter: InMemorySpanExporter
) -> None:
    def broken(texts: list[str]) -> Any:
        raise ValueError(f"cannot embed {texts}")

    service = opened(traces=traces(exporter), embedder=broken, embedding_model="broken")
    service.create_workspace("kate")
    service.remember("kate", SECRET)
    service.jobs.run()
    job = by_name(exporter)["job embed"]
    assert job.attributes["gen_ai.memory.store.id"] == "kate"
    assert job.attributes["mba.job.attempt"] == 1
    assert job.attributes["error.type"]
    assert SECRET not in all_said(exporter)


def test_without_the_extra_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    with pytest.raises(MissingExtraError, match=r"mba-integrations\[otel\]"):
        Traces.to()


def test_nothing_is_loaded_where_nobody_asks_for_spans(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from mba_integrations.services import MemoryService\n"
        "with MemoryService.open(sys.argv[1], background=False) as service:\n"
        "    service.create_workspace('kate')\n"
        "    service.remember('kate', 'Kate skis.')\n"
        "    service.recall('kate', 'Who skis?')\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "memory.db")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
