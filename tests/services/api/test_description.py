"""The description is true: what it lets through is answered, and as it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from repository import ROOT
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mba_integrations.services.api.app import create_app
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import WordCounter

CHECKS = (
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
EXAMPLES = 3
"""Of each operation; benchmarks/api_fuzz.py asks all of them, as often as there is time for."""
DRAWN = {
    *("remember", "list_memories", "get_memory", "forget", "recall", "search", "allocate"),
    *("list_allocations", "change_workspace", "create_workspace", "create_key"),
}


@pytest.fixture(scope="module")
def operations(two_workspaces: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("described") / "memory.db"
    path.write_bytes(two_workspaces.read_bytes())
    with MemoryService.open(path, token_counter=WordCounter(), background=False) as service:
        service.remember("kate", ["Kate lives in Lisbon."])
        app = create_app(service)
        app.openapi()  # made once: schemathesis waits ten seconds for it, also on a busy machine
        described: Any = schemathesis.openapi.from_asgi(
            "/openapi.json", app, headers={"Host": "localhost"}
        )
        drawn = described.include(operation_id=sorted(DRAWN))
        yield [one.ok() for one in drawn.get_all_operations()]


def test_what_the_description_lets_through_is_answered_as_it_says(operations: Any) -> None:
    for operation in operations:
        _ask(operation)
    assert len(operations) == len(DRAWN)


def _ask(operation: Any) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def ask(data: Any) -> None:
        case = data.draw(operation.as_strategy())
        if "workspace_id" in (case.path_parameters or {}):
            case.path_parameters["workspace_id"] = "kate"
        case.call_and_validate(checks=CHECKS, headers={"Host": "localhost"})

    ask()


def test_the_page_on_the_server_names_every_path(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "api_server.md").read_text(encoding="utf-8")
    table = page[page.index("| call | does |") :].split("\n\n")[0]
    with MemoryService.open(tmp_path / "memory.db", background=False) as service:
        paths = [*create_app(service).openapi()["paths"]]
    assert len(paths) > 60
    assert not [path for path in paths if not re.search(_named(path), table)]


def _named(path: str) -> str:
    """A path as the page writes it: below its workspace, or by its last part where it goes on."""
    below = re.escape(path.replace("/v1/workspaces/{workspace_id}", "…"))
    whole = re.sub(r"\\\{\w+\\\}", r"\\{[a-z]+\\}", below)
    return rf"`[A-Z ]*(?:{whole}|…/{re.escape(path.rsplit('/', 1)[-1])})[`?]"
