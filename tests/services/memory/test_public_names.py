"""What `mba_integrations.services` offers, and what it loads before it is asked for anything."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import Any

import pytest
from repository import ROOT

from mba_integrations import services
from mba_integrations.core.errors import MissingExtraError


def test_every_public_name_is_there_and_no_other_is_promised() -> None:
    assert sorted(services.__all__) == services.__all__
    assert {name for names in services._HOME.values() for name in names} == set(services.__all__)
    assert all(getattr(services, name) for name in services.__all__)
    assert set(services.__all__) <= set(dir(services))


def test_a_name_that_is_not_there_is_named() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Service'"):
        _ = services.Service  # type: ignore[attr-defined]


def test_the_package_loads_no_database_before_it_is_asked() -> None:
    code = "import sys, mba_integrations.services\nprint('sqlalchemy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "False"


def test_what_learns_is_loaded_with_its_first_job() -> None:
    names = [f"mba_integrations.learning.{name}" for name in ("tuning.tune", "replay.replay")]
    code = (
        "import sys, mba_integrations.services.memory.service\n"
        f"print([name for name in {names} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_without_the_extra_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find = importlib.util.find_spec

    def without(name: str, *rest: Any) -> Any:
        return None if name == "sqlalchemy" else find(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    monkeypatch.delitem(vars(services), "MemoryService", raising=False)
    with pytest.raises(MissingExtraError, match=r"mba-integrations\[memory\]"):
        _ = services.MemoryService


def test_a_service_is_neither_pickled_nor_copied(service: services.MemoryService) -> None:
    import copy
    import pickle

    from mba_integrations.core.errors import InputError

    assert copy.copy(service) is service
    with pytest.raises(InputError, match="cannot be pickled or copied"):
        pickle.dumps(service)
