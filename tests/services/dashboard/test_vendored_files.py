"""Files of others that the page has: they are those that the manifest names, with their licence."""

from __future__ import annotations

import hashlib
import json

import pytest

from mba_integrations.services.dashboard.pages import STATIC

UPLOT = STATIC / "vendor" / "uplot"
MANIFEST = json.loads((UPLOT / "manifest.json").read_text("utf-8"))


@pytest.mark.parametrize("name", MANIFEST["sha256"])
def test_a_file_is_the_one_that_was_published(name: str) -> None:
    assert hashlib.sha256((UPLOT / name).read_bytes()).hexdigest() == MANIFEST["sha256"][name]


def test_no_file_is_without_its_hash() -> None:
    names = {path.name for path in UPLOT.iterdir()} - {"manifest.json"}
    assert names == set(MANIFEST["sha256"])


def test_licence_and_release_are_those_of_the_files() -> None:
    assert MANIFEST["licence"] in (UPLOT / "LICENSE").read_text("utf-8")
    assert f"v{MANIFEST['version']}" in (UPLOT / "uPlot.iife.min.js").read_text("utf-8")[:100]
