"""The files of the page: to everybody, small, and with a strict policy."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import httpx2
import pytest
from http_server import problem_in
from starlette.datastructures import Headers

from mba_integrations.services.dashboard.layer import POLICY
from mba_integrations.services.dashboard.pages import STATIC, Pages
from mba_integrations.services.memory.service import MemoryService

FILES = sorted(one.relative_to(STATIC).as_posix() for one in STATIC.rglob("*") if one.is_file())
MOST_BYTES = 150_000


async def test_the_page_is_shown_to_who_has_no_key_yet(
    browser: httpx2.AsyncClient, service: MemoryService
) -> None:
    service.keys.create("laptop")
    reply = await browser.get("/dashboard/")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.text == (STATIC / "index.html").read_text("utf-8")


async def test_its_address_without_a_slash_leads_to_it(browser: httpx2.AsyncClient) -> None:
    reply = await browser.get("/dashboard", follow_redirects=True)
    assert (reply.url.path, reply.status_code) == ("/dashboard/", 200)


@pytest.mark.parametrize(
    "path",
    ["/dashboard/", "/dashboard", "/dashboard/nothing", "/dashboard/session", "/dashboard/v1/none"],
)
async def test_everything_below_it_has_the_policy(browser: httpx2.AsyncClient, path: str) -> None:
    headers = (await browser.get(path)).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_policy_lets_nothing_in_that_is_not_the_servers() -> None:
    assert "default-src 'self'" in POLICY
    assert "unsafe" not in POLICY
    assert "*" not in POLICY


@pytest.mark.parametrize("path", ["/dashboard2", "/dashboards/", "/livez"])
async def test_other_paths_are_as_they_were(browser: httpx2.AsyncClient, path: str) -> None:
    assert "content-security-policy" not in (await browser.get(path)).headers


async def test_a_file_that_is_known_is_not_sent_again(browser: httpx2.AsyncClient) -> None:
    first = await browser.get("/dashboard/js/main.js")
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["content-type"] == "text/javascript; charset=utf-8"
    known = {"If-None-Match": first.headers["etag"]}
    again = await browser.get("/dashboard/js/main.js", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    other = await browser.get("/dashboard/", headers=known)
    assert other.status_code == 200


def test_a_file_is_gzipped_for_who_reads_that() -> None:
    pages = Pages()
    plain = pages.answer("", Headers({}))
    packed = pages.answer("", Headers({"Accept-Encoding": "br, gzip"}))
    assert plain is not None
    assert packed is not None
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(bytes(packed.body)) == plain.body


@pytest.mark.parametrize(
    "path",
    ["/dashboard/nothing.js", "/dashboard/../app.py", "/dashboard/%2e%2e/app.py", "/dashboard/js"],
)
async def test_there_are_no_other_files(browser: httpx2.AsyncClient, path: str) -> None:
    assert problem_in(await browser.get(path)) == (404, "no-such-path")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_files_are_only_read(browser: httpx2.AsyncClient, method: str) -> None:
    reply = await browser.request(method, "/dashboard/index.html")
    assert problem_in(reply) == (405, "wrong-method")


def test_a_file_with_other_bytes_has_another_etag(tmp_path: Path) -> None:
    seen = set()
    for text in ("one", "two"):
        (tmp_path / "a.css").write_text(text)
        page = Pages(tmp_path).answer("a.css", Headers({}))
        assert page is not None
        seen.add(page.headers["etag"])
    assert len(seen) == 2


def test_all_files_together_are_small_over_the_wire() -> None:
    gzipped = {"Accept-Encoding": "gzip"}
    sizes = {}
    for name in FILES:
        page = Pages().answer(name, Headers(gzipped))
        assert page is not None
        sizes[name] = len(page.body)
    assert 0 < sum(sizes.values()) < MOST_BYTES, sizes


@pytest.mark.parametrize("name", [one for one in FILES if one.endswith(".html")])
def test_pages_have_no_script_or_style_of_their_own(name: str) -> None:
    text = (STATIC / name).read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text, re.IGNORECASE)
