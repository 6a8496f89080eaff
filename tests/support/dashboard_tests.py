"""What tests of the dashboard in a browser share."""

from __future__ import annotations

from collections.abc import Callable

from watched_pages import Watched

Browse = Callable[..., Watched]
"""Opens a page at a fragment of the dashboard's address; see the fixture `browse`."""
