"""What the page asks lists for: as little as it shows."""

from __future__ import annotations

import httpx2

from mba_integrations.services.memory.service import MemoryService


async def test_a_list_of_prompts_leaves_texts_of_memories_out(
    browser: httpx2.AsyncClient, service: MemoryService
) -> None:
    service.workspaces.change("kate", logging={"include_text": True})
    service.remember("kate", ["Kate skis in Oslo."])
    service.recall("kate", "Where does Kate ski?")
    path = "/dashboard/v1/workspaces/kate/allocations"
    whole = (await browser.get(path)).json()["allocations"][0]["record"]
    assert whole["texts"] == ["Kate skis in Oslo."]
    brief = (await browser.get(f"{path}?texts=false")).json()["allocations"][0]["record"]
    assert brief == {name: value for name, value in whole.items() if name != "texts"}
    assert brief["query"] == "Where does Kate ski?"
