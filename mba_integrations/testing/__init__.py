"""For tests of your own parts: counters, an embedder, a layout and a clock without surprises, and
checks that a counter, an embedder, a layout or a store keeps the rules of its protocol.

A check raises `AssertionError` with a sentence that names the part, what it did and the rule. It
needs no test framework. Imports the public names and the open rooms of the core.
"""

from __future__ import annotations

from mba_integrations.testing.clock import Clock
from mba_integrations.testing.counter_check import check_token_counter
from mba_integrations.testing.counters import CharacterCounter, WordCounter
from mba_integrations.testing.embedder_check import check_embedder
from mba_integrations.testing.layout_check import check_prompt_layout
from mba_integrations.testing.log_store_check import check_log_store
from mba_integrations.testing.recording_layout import RecordingLayout
from mba_integrations.testing.session_store_check import check_session_store
from mba_integrations.testing.word_embedder import WordEmbedder
from mba_integrations.testing.workspace_store_check import check_workspace_store

__all__ = [
    "CharacterCounter",
    "Clock",
    "RecordingLayout",
    "WordCounter",
    "WordEmbedder",
    "check_embedder",
    "check_log_store",
    "check_prompt_layout",
    "check_session_store",
    "check_token_counter",
    "check_workspace_store",
]
