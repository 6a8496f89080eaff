"""`mba budgets`: set, shown and removed, on a file and through a server alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import mba
from served_commands import answering, use_service

from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.spending.budgets.spending import Demand, Spending
from mba_integrations.testing import Clock, WordCounter

USD = ("budgets", "set", "5", "--unit", "usd", "--price", "m=0.15,0.6,0.075")
SESSION = (
    *("budgets", "set", "2000", "--unit", "tokens", "--scope", "session"),
    *("--rolling-seconds", "60", "--on-exceed", "shrink"),
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemoryService]:
    path = tmp_path_factory.mktemp("budgets") / "memory.db"
    with MemoryService.open(
        path, token_counter=WordCounter(), background=False, clock=Clock()
    ) as made:
        yield made


@pytest.fixture(scope="module")
def url(service: MemoryService) -> Iterator[str]:
    with answering(create_app(service, ServerSettings(token="owner"))) as found:
        yield found


@pytest.fixture(autouse=True)
def same_service(service: MemoryService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_service(monkeypatch, service, tmp_path)
    if "default" in service.workspaces.ids():
        service.workspaces.delete("default")
    service.create_workspace("default")


@pytest.fixture(params=["file", "server"])
def where(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Options that name the file or the server."""
    return () if request.param == "file" else ("--url", request.getfixturevalue("url"))


def done(*arguments: str) -> str:
    result = mba(*arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def refused(*arguments: str) -> str:
    result = mba(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    return result.stderr


def test_budgets_are_set_shown_and_removed(service: MemoryService, where: tuple[str, ...]) -> None:
    done(*USD, *where)
    done(*SESSION, *where)
    settings = service.workspaces.config("default").gateway
    demand = Demand(models=("m",), input_tokens=1_000, output_tokens=500, session_id="s1")
    Spending(service).reserve("default", settings, demand)
    table = done("budgets", "show", *where)
    for shown in ("$5", "$0.00045", "$4.99955", "session s1", "last 60 s", "1,500", "shrink"):
        assert shown in table
    told = json.loads(done("budgets", "show", "--json", *where))["budgets"]
    assert [(one["amount"], one["reserved"]) for one in told] == [(5.0, 0.00045), (2000.0, 1500.0)]
    assert settings.prices["m"].cached_input == 0.075
    done(*("budgets", "set", "none", "--unit", "usd"), *where)
    assert [one.scope for one in service.workspaces.config("default").gateway.spend] == ["session"]


def test_a_budget_takes_the_place_of_that_of_its_kind(
    service: MemoryService, where: tuple[str, ...]
) -> None:
    for amount in ("10", "20"):
        done("budgets", "set", amount, "--unit", "tokens", *where)
    done("budgets", "set", "15", "--unit", "tokens", "--on-exceed", "warn", *where)
    spend = service.workspaces.config("default").gateway.spend
    assert [(one.units, one.on_exceed) for one in spend] == [(20, "block"), (15, "warn")]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(("5", "--unit", "usd"), "prices must have each model", id="no-price"),
        pytest.param(("x", "--unit", "tokens"), "AMOUNT must be a number, got 'x'", id="no-amount"),
        pytest.param(("1.5", "--unit", "tokens"), "must be whole tokens", id="half-a-token"),
        pytest.param(
            ("5", "--unit", "usd", "--price", "m=1"), "MODEL=IN,OUT[,READ[,WRITE]]", id="half-price"
        ),
        pytest.param(("none", "--unit", "tokens"), "there is no budget", id="nothing-to-remove"),
    ],
)
def test_what_makes_no_budget_is_refused_and_changes_nothing(
    service: MemoryService, where: tuple[str, ...], arguments: tuple[str, ...], says: str
) -> None:
    assert says in refused("budgets", "set", *arguments, *where)
    assert service.workspaces.row("default").settings_version == 1
