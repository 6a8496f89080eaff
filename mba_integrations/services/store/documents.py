"""How values that JSON can hold are written, on both databases."""

from __future__ import annotations

import json
from functools import partial

written_as_json = partial(json.dumps, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
"""JSON text without spaces; what is not finite is refused, since JSON has no word for it."""
