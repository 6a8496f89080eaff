"""Workflows, hooks and templates say what the project has."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from repository import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HOSTED = ROOT / ".github"
FILES = [*sorted(HOSTED.rglob("*.yml")), ROOT / ".pre-commit-config.yaml"]
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))

pytestmark = pytest.mark.skipif(not HOSTED.exists(), reason="this is no checkout")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps() -> Iterator[dict[str, Any]]:
    for path in sorted((HOSTED / "workflows").glob("*.yml")):
        for job in read(path)["jobs"].values():
            yield from job["steps"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_targets_that_a_file_runs_exist(path: Path) -> None:
    assert isinstance(read(path), dict)
    run = re.findall(r"(?:run|entry): make ([a-z]+)", path.read_text(encoding="utf-8"))
    assert set(run) <= TARGETS


def test_the_hooks_are_the_check() -> None:
    (repository,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    assert [hook["entry"] for hook in repository["hooks"]] == ["make check"]


def test_every_python_that_is_named_is_tested() -> None:
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))
    matrix = read(HOSTED / "workflows" / "ci.yml")["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == named


def test_no_workflow_may_write_but_where_it_says_so() -> None:
    for path in sorted((HOSTED / "workflows").glob("*.yml")):
        assert read(path)["permissions"] == {"contents": "read"}
    kept = [one for one in steps() if str(one.get("uses")).startswith("actions/checkout")]
    assert kept
    assert all(one["with"] == {"persist-credentials": False} for one in kept)


def test_extras_and_groups_of_the_workflows_exist() -> None:
    text = "\n".join(str(one.get("run", "")) for one in steps())
    extras = {name for found in re.findall(r"\.\[([a-z,]+)\]", text) for name in found.split(",")}
    assert extras <= set(PROJECT["project"]["optional-dependencies"])
    assert set(re.findall(r"--group ([a-z-]+)", text)) <= set(PROJECT["dependency-groups"])
