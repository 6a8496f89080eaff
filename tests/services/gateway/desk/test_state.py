"""What the gateway keeps of a conversation, over a restart and beside its previous prompt."""

from __future__ import annotations

import pytest
from memory_services import Opened

from mba_integrations.core.model import QueryComplexity
from mba_integrations.services.gateway.desk.state import (
    NEW,
    SessionState,
    keep_state,
    state_of,
)
from mba_integrations.services.gateway.rewriting.held import Held
from mba_integrations.services.gateway.rewriting.prefix import Sent
from mba_integrations.services.spending.routing.choosing import SessionRoute
from mba_integrations.services.store.statements.log import sessions

KEPT = SessionState(
    route=SessionRoute(model="small", level=QueryComplexity.SIMPLE),
    held=Held(items=(("m1", "1f"),), behind=("m2",), asked="q", resent_tokens=7),
    sent=Sent(digests=("1f", "2e")),
)


@pytest.mark.parametrize("where", ["sqlite", "postgres"], indirect=True)
def test_a_session_is_as_it_was_after_a_restart(opened: Opened) -> None:
    before = opened()
    before.create_workspace("kate")
    before.create_workspace("tom")
    store = before.equipment.store
    store.write("kate", lambda writing: sessions.put(writing, "s1", {"items": []}))
    keep_state(before, "kate", "s1", KEPT)
    before.close()
    after = opened()
    assert state_of(after, "kate", "s1") == KEPT
    assert (state_of(after, "kate", "s2"), state_of(after, "tom", "s1")) == (NEW, NEW)
    with after.equipment.store.read("kate") as reading:
        kept = sessions.find(reading, "s1")
    assert kept is not None
    assert kept.previous == {"items": []}
    after.equipment.store.write("kate", lambda writing: sessions.end(writing, ["s1"]))
    assert state_of(after, "kate", "s1") == NEW
