"""Sessions of several turns: what a provider's cache can reuse, also after a restart."""

from __future__ import annotations

from pathlib import Path

from benchmarks.gateway_sessions import filled, run
from mba_integrations.testing import WordCounter


def test_a_session_reuses_its_beginning_with_and_without_a_restart(tmp_path: Path) -> None:
    figures = [
        run(
            filled(tmp_path / f"{restart}.db", 1, count=60),
            "s",
            "messages",
            WordCounter(),
            turns=6,
            restart=restart,
            seed=1,
        )
        for restart in (False, True)
    ]
    assert figures[0].texts == figures[1].texts
    assert figures[0].planned == figures[1].planned
    # 30 turns reach more, since the prompts are longer.
    assert figures[0].planned / (figures[0].prompt - figures[0].first) > 0.7
    assert figures[0].shared / figures[0].written > 0.6
