"""Workspaces: made from templates, changed by version, deleted."""

from __future__ import annotations

from typing import Any

import pytest
from memory_services import Opened, on_both, texts

from mba_integrations import MemoryBudgetConfigLoader, UnknownWorkspaceError
from mba_integrations.core.errors import ConfigError, InputError
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.errors import SettingsConflictError, WorkspaceExistsError
from mba_integrations.testing import Clock

pytestmark = on_both


def test_a_workspace_begins_as_its_template_with_what_differs(
    opened: Opened, service: MemoryService
) -> None:
    made = service.create_workspace(
        "r", template="research", max_total_tokens=9_000, rendering={"format": "xml"}
    )
    shipped = MemoryBudgetConfigLoader.load_shipped()["research"]
    assert made == shipped.with_changes(
        workspace_id="r", max_total_tokens=9_000, rendering={"format": "xml"}
    )
    assert opened().workspaces.config("r") == made


def test_every_template_survives_the_store(service: MemoryService) -> None:
    for name in MemoryBudgetConfigLoader.load_shipped():
        made = service.create_workspace(f"of-{name}", template=name)
        assert service.workspaces.config(f"of-{name}") == made


def test_workspaces_are_listed_and_apart(service: MemoryService) -> None:
    service.create_workspace("zoe")
    service.remember("kate", "Kate skis.")
    assert service.workspaces.ids() == ("kate", "zoe")
    assert texts(service, "zoe") == []
    assert service.recall("zoe", "Who skis?").prompt_text == ""


def test_a_change_holds_from_the_next_call_on_in_all_services(
    opened: Opened, service: MemoryService
) -> None:
    other = opened()
    service.remember("kate", "Kate skis.")
    assert other.recall("kate", "Kate?").allocation.prompt_format == "markdown"
    service.workspaces.change("kate", rendering={"format": "xml"}, actor="zoe")
    assert "<" in other.recall("kate", "Kate?").prompt_text
    first, second = service.workspaces.versions("kate")
    assert (first.version, second.version, second.actor) == (1, 2, "zoe")
    assert first.settings["rendering"]["format"] == "markdown"


def test_settings_are_known_at_once_while_they_hold(
    opened: Opened, service: MemoryService, where: str
) -> None:
    other, here = opened(), service.workspaces
    assert here.config_at_once("none") is None
    with pytest.raises(UnknownWorkspaceError):
        here.config("none")
    known = here.config("kate")
    assert here.config_at_once("kate") == (None if where.startswith("postgres") else known)
    changed = other.workspaces.change("kate", max_total_tokens=77)
    assert here.config_at_once("kate") is None
    assert here.config("kate") == changed
    other.workspaces.delete("kate")
    assert here.config_at_once("kate") is None
    with pytest.raises(UnknownWorkspaceError):
        here.config("kate")


def test_a_change_made_from_an_older_version_is_refused(service: MemoryService) -> None:
    service.workspaces.change("kate", min_score=0.1, expected_version=1)
    with pytest.raises(SettingsConflictError, match="are at version 2"):
        service.workspaces.change("kate", min_score=0.2, expected_version=1)
    assert service.workspaces.config("kate").min_score == 0.1


def test_a_deleted_workspace_is_gone_and_its_name_free(
    opened: Opened, service: MemoryService, clock: Clock
) -> None:
    other = opened()
    service.remember("kate", "Kate skis.")
    other.recall("kate", "Kate?", session_id="s")
    other._equipment.trail.flush()
    clock.pass_seconds(0.001)
    assert service.workspaces.delete("kate")["memory"] == 1
    for one in (service, other):
        with pytest.raises(UnknownWorkspaceError):
            one.recall("kate", "Kate?")
    service.create_workspace("kate", max_total_tokens=77)
    for one in (service, other):
        reply = one.recall("kate", "Kate?", session_id="s")
        assert (reply.prompt_text, reply.budget_tokens <= 77) == ("", True)


def test_a_workspace_that_is_there_is_taken_as_it_is(
    opened: Opened, service: MemoryService
) -> None:
    service.remember("kate", "Kate skis.")
    before = service.workspaces.config("kate")
    for one in (service, opened()):
        assert one.create_workspace("kate", template="research", exist_ok=True) == before
    assert texts(service, "kate") == ["Kate skis."]
    assert len(service.workspaces.versions("kate")) == 1
    assert service.create_workspace("zoe", exist_ok=True).workspace_id == "zoe"


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        pytest.param({"workspace_id": "kate"}, WorkspaceExistsError, "is there already", id="two"),
        pytest.param({"template": "reserch"}, UnknownWorkspaceError, "mean 'research'", id="near"),
        pytest.param({"max_total_tokens": 0}, ConfigError, "must be at least 1", id="tokens"),
        pytest.param({"max_tokens": 5}, ConfigError, "no such setting", id="setting"),
        pytest.param({"time_zone": "Mars/Base"}, InputError, "such as 'Europe/Lisbon'", id="zone"),
        pytest.param({"retention": 3}, InputError, "must be a RetentionPolicy", id="retention"),
        pytest.param(
            {"retention": {"rag": {"max_age_days": -1}}}, ConfigError, "above 0", id="age"
        ),
        pytest.param({"workspace_id": ""}, ConfigError, "must not be empty", id="empty-id"),
    ],
)
def test_a_workspace_that_cannot_be_is_refused(
    service: MemoryService, options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        service.create_workspace(**{"workspace_id": "new", **options})
    assert service.workspaces.ids() == ("kate",)
