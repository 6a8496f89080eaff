"""What is shipped: pins, extras, and what the sdist and the wheel hold.

Wheel and sdist are built from a copy of the checkout by hatchling itself, without network.
"""

from __future__ import annotations

import email
import importlib.util
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from repository import ROOT

import mba_integrations

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT: dict[str, Any] = PYPROJECT["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
GROUPS: dict[str, list[Any]] = PYPROJECT["dependency-groups"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8").replace("\\\n", "")
PIN = re.compile(r"([a-z0-9-]+==[^*,\s]+(?: ; .+?)?)((?: +--hash=sha256:[0-9a-f]{64})+)")
SHIPPED = [
    *("mba_integrations", "tests", "docs", "examples", "configs", "benchmarks"),
    *("pyproject.toml", "constraints.txt", "Makefile"),
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "SECURITY.md"),
]


def requirements(lines: list[Any]) -> list[Requirement]:
    return [Requirement(line) for line in lines if isinstance(line, str)]


def everything_required() -> list[Requirement]:
    lines = [PROJECT["dependencies"], *EXTRAS.values(), *GROUPS.values()]
    found = [one for group in lines for one in requirements(group)]
    return [one for one in found if canonicalize_name(one.name) != PROJECT["name"]]


def pinned_versions() -> dict[str, list[Version]]:
    pins: dict[str, list[Version]] = {}
    for line, _ in PIN.findall(CONSTRAINTS):
        (specifier,) = (pin := Requirement(line)).specifier
        pins.setdefault(canonicalize_name(pin.name), []).append(Version(specifier.version))
    return pins


def test_constraints_carry_no_address() -> None:
    assert "://" not in CONSTRAINTS
    assert set(re.findall(r"--\w+", CONSTRAINTS)) == {"--hash"}


def test_every_constraint_is_one_exact_version_with_its_hashes() -> None:
    lines = CONSTRAINTS.splitlines()
    assert lines
    assert [line for line in lines if not PIN.fullmatch(line)] == []


def test_make_installs_what_the_constraints_pin_by_their_hashes() -> None:
    """One recipe installs uv by pip; all others install by uv, which checks each file."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    install = makefile.partition("INSTALL := ")[2].partition("\nexport")[0]
    assert "-c constraints.txt --build-constraints constraints.txt" in install
    assert [line for line in makefile.splitlines() if re.search(r"-m pip\b", line)] == [
        line for line in makefile.splitlines() if "install --require-hashes -r" in line
    ]
    (own,) = (line for line in CONSTRAINTS.splitlines() if line.startswith("uv=="))
    assert PIN.fullmatch(own), "installed by itself, so it needs nothing and has no marker"


def test_requirements_are_pinned_to_versions_that_they_allow() -> None:
    pins = pinned_versions()
    for requirement in everything_required():
        versions = pins.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement} is not pinned"
        assert all(version in requirement.specifier for version in versions), requirement


def test_requirements_have_a_lower_bound() -> None:
    unbounded = [
        str(one)
        for one in everything_required()
        if not any(specifier.operator in (">=", "==") for specifier in one.specifier)
    ]
    assert not unbounded


def test_extra_all_brings_every_other_extra() -> None:
    (everything,) = requirements(EXTRAS["all"])
    assert everything.name == PROJECT["name"]
    assert everything.extras == EXTRAS.keys() - {"all"}


def test_no_extra_is_declared_for_a_layer_that_does_not_exist() -> None:
    layers = {path.stem for path in (ROOT / "mba_integrations").iterdir()}
    frameworks = {"langchain", "llamaindex", "services"}
    assert not (EXTRAS.keys() & frameworks) - layers


def test_version_is_the_one_of_the_project() -> None:
    assert mba_integrations.__version__ == PROJECT["version"]


def test_changelog_tells_of_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert PROJECT["version"] in changelog
    assert re.search(r"^## \[Unreleased\]$", changelog, re.MULTILINE)


def test_help_of_make_shows_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    targets = re.findall(r"^([a-z]+):", makefile, re.MULTILINE)
    described = re.findall(r"^([a-z]+):.*## \S", makefile, re.MULTILINE)
    assert sorted(described) == sorted(targets) == sorted(phony.split())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `source/`, what is built from it in `dist/`, and `again/`, from the sdist."""
    folder = tmp_path_factory.mktemp("built")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in (*SHIPPED, ".gitignore"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / "source" / name, ignore=ignored)
        elif (ROOT / name).exists():
            (folder / "source").mkdir(exist_ok=True)
            shutil.copy(ROOT / name, folder / "source")
    build(folder / "source", folder / "dist")
    with tarfile.open(only(folder / "dist", "*.tar.gz")) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    build(only(folder / "unpacked", "*"), folder / "again")
    return folder


def build(source: Path, target: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(target)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def only(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metadata(wheel: Path) -> Message:
    (text,) = (
        value for name, value in contents(wheel).items() if name.endswith(".dist-info/METADATA")
    )
    return email.message_from_bytes(text)


def test_sdist_holds_all_that_is_needed_to_work_on_the_project(built: Path) -> None:
    inside = {path.name for path in only(built / "unpacked", "*").iterdir()}
    assert inside >= {name for name in SHIPPED if (ROOT / name).exists()}
    for needed in ("tests", "docs", "examples", "configs", "constraints.txt", "README.md"):
        assert needed in inside


def test_sdist_builds_the_same_wheel(built: Path) -> None:
    assert contents(only(built / "again", "*.whl")) == contents(only(built / "dist", "*.whl"))


def test_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    inside = {
        name
        for name in contents(only(built / "dist", "*.whl"))
        if not name.split("/")[0].endswith(".dist-info")
    }
    package = {
        path.relative_to(built / "source").as_posix()
        for path in (built / "source" / "mba_integrations").rglob("*")
        if path.is_file()
    }
    assert inside == package | {"mba_integrations/configs/memory-budget.yaml"}
    assert "mba_integrations/py.typed" in inside


def test_wheel_ships_the_settings_of_the_checkout(built: Path) -> None:
    shipped = contents(only(built / "dist", "*.whl"))["mba_integrations/configs/memory-budget.yaml"]
    assert shipped == (ROOT / "configs" / "memory-budget.yaml").read_bytes()


def test_wheel_carries_licence_readme_and_command(built: Path) -> None:
    wheel = only(built / "dist", "*.whl")
    about = metadata(wheel)
    assert about["License-Expression"] == "Apache-2.0"
    assert about["Requires-Python"] == ">=3.11"
    text = about.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert (ROOT / "README.md").read_bytes().strip() in text
    entries = {name.split("/", 1)[1]: value for name, value in contents(wheel).items()}
    assert entries["licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()
    assert b"mba = mba_integrations.cli:main" in entries["entry_points.txt"]


def test_a_second_build_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    """Also from files of other times, as in another checkout."""
    again = tmp_path / "source"
    shutil.copytree(built / "source", again, copy_function=shutil.copyfile)
    build(again, tmp_path / "dist")
    for first in (only(built / "dist", "*.whl"), only(built / "dist", "*.tar.gz")):
        assert (tmp_path / "dist" / first.name).read_bytes() == first.read_bytes()


def test_the_page_of_licences_has_every_dependency_with_what_it_states() -> None:
    spec = importlib.util.spec_from_file_location("licences", ROOT / "docs" / "licences.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    listed, found = module.listed(), module.licences()
    assert not {name: licence for name, licence in found.items() if listed.get(name) != licence}
    assert len(found) > 100
