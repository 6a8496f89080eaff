"""`dashboard`: the page, its login and its way to the API, to be mounted in the server's app."""

from __future__ import annotations

from functools import partial

from mba_integrations.services.api.mounts import Mount
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.dashboard.cookies import PATH
from mba_integrations.services.dashboard.layer import DashboardLayer
from mba_integrations.services.dashboard.pages import Pages
from mba_integrations.services.dashboard.session import SessionApp
from mba_integrations.services.dashboard.tokens import CsrfTokens
from mba_integrations.services.memory.service import MemoryService


def dashboard(service: MemoryService, settings: ServerSettings) -> Mount:
    """The dashboard.

    Args:
        service: Whose workspaces it shows.
        settings: Those of the server: whether it asks for a key.
    """
    tokens = CsrfTokens(partial(service.secret, "dashboard"))

    def needs_key() -> bool:
        local = settings.is_local and not service.keys.were_made()
        return not (settings.insecure or local)

    around = partial(DashboardLayer, pages=Pages(), tokens=tokens, needs_key=needs_key)
    return Mount(path=PATH, app=SessionApp(service.keys, tokens), around=around)
