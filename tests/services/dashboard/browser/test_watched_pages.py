"""What a watched page counts as a fault; without this, tests of the dashboard would see nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from watched_pages import Watched, serious_faults, sideways_scroll

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

HOST = "127.0.0.1:9"
POLICY = {"content-security-policy": "default-src 'self'"}


def watched(chromium: Browser, body: str, headers: dict[str, str] | None = None) -> Watched:
    """A page with this body, as a server that is not there would send it."""

    def answer(route: Route) -> None:
        text = f"<!doctype html><html lang=en><title>t</title><main>{body}</main>"
        is_page = route.request.is_navigation_request()
        headed = {"content-type": "text/html", **(headers or {})}
        route.fulfill(status=200 if is_page else 404, headers=headed, body=text)

    one = Watched.opened(chromium, HOST, width=360, theme="light")
    one.page.route("**/*", answer)
    one.page.goto(f"http://{HOST}/", wait_until="load")
    return one


@pytest.mark.parametrize(
    ("body", "headers", "fault"),
    [
        pytest.param("<script>console.error('broken')</script>", {}, "broken", id="console-error"),
        pytest.param("<script>throw Error('lost')</script>", {}, "lost", id="exception"),
        pytest.param("<img src='/no.png' alt=''>", {}, "404", id="missing-file"),
        pytest.param("<script>1</script>", POLICY, "Content Security Policy", id="inline-script"),
        pytest.param("<p style='color:red'>", POLICY, "Content Security Policy", id="inline-style"),
        pytest.param("<img src='http://a.invalid/' alt=''>", {}, "another host", id="other-host"),
    ],
)
def test_what_must_not_happen_is_seen(
    chromium: Browser, body: str, headers: dict[str, str], fault: str
) -> None:
    seen = watched(chromium, body, headers)
    assert any(fault in one for one in seen.faults), seen.faults
    seen.expected.append(fault)
    assert all("404" in one for one in seen.unexpected)
    seen.page.context.close()


def test_a_page_without_faults_has_none(chromium: Browser) -> None:
    seen = watched(chromium, "<h1>Fine</h1><p>Text</p>", POLICY)
    assert seen.faults == []
    assert serious_faults(seen.page) == []
    assert sideways_scroll(seen.page) == 0
    seen.page.context.close()


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        pytest.param("<h1>x</h1><button></button>", "button-name", id="button-without-name"),
        pytest.param(
            "<h1>x</h1><p style='color:#bbb;background:#fff'>pale", "color-contrast", id="pale"
        ),
        pytest.param("<h1>x</h1><input>", "label", id="input-without-label"),
    ],
)
def test_what_keeps_people_out_is_found(chromium: Browser, body: str, rule: str) -> None:
    seen = watched(chromium, body)
    assert [one.split(" ")[0] for one in serious_faults(seen.page)] == [rule]
    assert serious_faults(seen.page, rules=("image-alt",)) == []
    seen.page.context.close()


def test_a_page_that_is_wider_than_its_window_is_measured(chromium: Browser) -> None:
    seen = watched(chromium, "<h1>x</h1><div style='width:500px'>wide</div>")
    assert sideways_scroll(seen.page) > 100
    seen.page.context.close()
