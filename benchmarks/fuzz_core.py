"""What the fuzz run calls in the core.

A target draws its arguments, notes them, and gives a function to call; the function may yield what
is wrong with the result. Arguments are drawn before, so that they can be compared after.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.fuzz_values import NAIVE, PLAIN_COUNTERS, PRESENT, Draw
from mba_integrations import (
    Allocation,
    ItemOrder,
    JoinedTexts,
    LifecycleRecommendation,
    LogMemory,
    MemoryBudgetAllocator,
    MemoryBudgetConfigLoader,
    MemoryPool,
    MemoryTier,
    PreviousPrompt,
    PromptFormat,
    RenderingSettings,
    WorkspaceConfig,
    apply_recommendations,
    counter_for_model,
    record_from_dict,
)
from mba_integrations.core.config.settings import PromotionSettings

Problems = Iterator[str]


@dataclass(slots=True)
class Call:
    """A call that is ready to be made.

    Attributes:
        arguments: What it is given, by name.
        run: Makes it, and gives what is wrong with its result.
    """

    run: Callable[[], Problems]
    arguments: dict[str, Any] = field(default_factory=dict)


def calling(function: Callable[..., Any], *given: Any, **named: Any) -> Call:
    """A call whose result is not looked at."""

    def run() -> Problems:
        function(*given, **named)
        return iter(())

    return Call(run, {**{str(place): value for place, value in enumerate(given)}, **named})


def over(used: int, budget: Any) -> Problems:
    """Whether more came than may."""
    if isinstance(budget, int) and used > budget:
        yield f"over budget: {used} of {budget}"


def number_of_tokens(draw: Draw) -> Any:
    """A budget: mostly a plain one."""
    return draw.random.randint(1, 400) if draw.chance(0.85) else draw.number()


def memory_item(draw: Draw) -> Call:
    """`MemoryItem` of any fields."""
    fields = {name: draw.perhaps(value, 0.2) for name, value in draw.fields().items()}
    if draw.chance(0.5):
        fields[draw.one(["relevance", "importance", "position", "access_count"])] = draw.number()
    from mba_integrations import MemoryItem

    return calling(MemoryItem, **fields)


def allocation_problems(
    allocation: Allocation, items: list[Any], counter: Any, budget: Any
) -> Problems:
    """What is wrong with an allocation of *items*."""
    if allocation.used_tokens > allocation.budget_tokens:
        yield f"over budget: {allocation.used_tokens} of {allocation.budget_tokens}"
    if isinstance(budget, int) and allocation.budget_tokens > budget:
        yield f"budget {allocation.budget_tokens} where {budget} was given"
    if counter in PLAIN_COUNTERS and counter(allocation.prompt_text) > allocation.budget_tokens:
        yield "over budget when counted again"
    found = sorted([one.id for one in allocation.selected] + [one.id for one in allocation.omitted])
    if found != sorted(item.id for item in items):
        yield f"items lost: {len(items)} given, {len(found)} selected or omitted"


def config(draw: Draw) -> WorkspaceConfig:
    """A workspace that is valid, with formats, orders and templates that vary."""
    shown = draw.one(list(PromptFormat))
    templates = {"rag": "[{date}] [{source}] {text}", "working": "{speaker}: {text} {id}"}
    return WorkspaceConfig(
        workspace_id="w",
        rendering={
            "format": shown,
            "item_order": {draw.one(["rag", "working"]): draw.one(list(ItemOrder))},
            **({"line_templates": templates} if draw.chance(0.3) else {}),
        },
        logging={"enabled": draw.chance(0.2)},
    )


def allocate(draw: Draw) -> Call:
    """One call with plain settings, hostile items and, now and then, hostile arguments."""
    items = draw.items(distinct=draw.chance(0.9))
    counter, embedder = draw.counter(), draw.embedder() if draw.chance(0.3) else None
    settings = config(draw)
    named: dict[str, Any] = {
        "query": draw.perhaps(draw.text(), 0.05),
        "available_memories": draw.perhaps(items, 0.05),
        "workspace_id": draw.perhaps("w", 0.03),
        "budget_tokens": draw.count() if draw.chance(0.5) else draw.random.randint(1, 400),
        "now": None if draw.chance(0.7) else draw.perhaps(draw.one([PRESENT, NAIVE]), 0.3),
    }
    if draw.chance(0.3):
        named["query_embedding"] = draw.vector()
    if draw.chance(0.15):
        named["reserved_tokens"] = draw.count()
    if draw.chance(0.1):
        named["previous"] = draw.anything()
    if draw.chance(0.05):
        named["layout"] = draw.anything()
    if draw.chance(0.1) and named["available_memories"] is items:
        named["available_memories"] = (item for item in items)

    def run() -> Problems:
        allocator = MemoryBudgetAllocator(counter, embedder)
        allocator.register_workspace(settings)
        allocation = allocator.allocate_memory_budget(**named)
        if named["available_memories"] is items:
            yield from allocation_problems(allocation, items, counter, named["budget_tokens"])

    return Call(run, {**named, "counter": counter, "embedder": embedder, "config": settings})


def results(draw: Draw) -> Call:
    """Everything that can be read from an allocation."""
    items, settings = draw.items(distinct=True), config(draw)
    budget, wanted, rows = draw.random.randint(1, 400), draw.anything(), draw.number()
    curve = draw.perhaps([draw.count(), draw.count()])
    before = draw.perhaps(None)
    reads: dict[str, Callable[[Allocation], Any]] = {
        "decision": lambda one: one.decision(wanted),
        "curve": lambda one: one.budget_curve(curve),
        "explain": lambda one: one.explain(max_rows=rows),
        "to_dict": lambda one: json.dumps(one.to_dict(include_text=draw.chance(0.5))),
        "messages": lambda one: one.to_messages(),
        "blocks": lambda one: one.to_cache_blocks(),
        "cost": lambda one: one.estimated_cost(before),
        "prefix": lambda one: (one.prefix_hash, one.stable_prefix_tokens),
        "marginal": lambda one: (one.marginal_value, one.gap, one.utilisation),
        "reasons": lambda one: one.omission_counts(),
        "repr": repr,
    }
    read = draw.one(list(reads))

    def run() -> Problems:
        allocator = MemoryBudgetAllocator(len)
        allocator.register_workspace(settings)
        reads[read](allocator.allocate_memory_budget("Kate?", items, "w", budget, now=NAIVE))
        return iter(())

    return Call(
        run,
        {
            "items": items,
            "read": read,
            "decision": wanted,
            "curve": curve,
            "max_rows": rows,
            "previous": before,
            "budget": budget,
        },
    )


def session(draw: Draw) -> Call:
    """Calls of one session, and calls that follow each other by `previous`, as items change."""
    turns = []
    items = draw.items(distinct=True)
    for _ in range(draw.random.randint(2, 5)):
        turns.append(list(items))
        draw.random.shuffle(items)
        items = [replace(i, content=draw.words()) if draw.chance(0.2) else i for i in items]
        items = [replace(i, pinned=draw.chance(0.3)) for i in items if draw.chance(0.9)]
    budgets = [draw.random.randint(1, 400) for _ in turns]
    name, by_session, settings = draw.perhaps("s"), draw.chance(0.5), config(draw)
    counter = draw.one(PLAIN_COUNTERS)

    def run() -> Problems:
        allocator = MemoryBudgetAllocator(counter)
        allocator.register_workspace(settings)
        talk, previous = allocator.session(name), None
        for given, budget in zip(turns, budgets, strict=True):
            if by_session:
                found = talk.allocate_memory_budget("Kate?", given, "w", budget, now=NAIVE)
            else:
                found = allocator.allocate_memory_budget(
                    "Kate?", given, "w", budget, now=NAIVE, previous=previous
                )
                previous = draw.one([found, found.as_previous])
            yield from allocation_problems(found, given, counter, budget)
        talk.previous("w")
        talk.forget()

    return Call(
        run,
        {
            "turns": turns,
            "budgets": budgets,
            "session_id": name,
            "config": settings,
            "by_session": by_session,
            "counter": counter,
        },
    )


def pool(draw: Draw) -> Call:
    """Changes of a pool one after the other; a call that raises must leave it whole."""
    steps = []
    for _ in range(draw.random.randint(1, 8)):
        name = draw.one(["add", "update", "remove", "get", "contains", "snapshot", "from_items"])
        given = draw.identifier() if name in {"remove", "get", "contains"} else draw.item()
        steps.append((name, draw.perhaps(given, 0.1)))

    def run() -> Problems:
        held = MemoryPool()
        calls: dict[str, Callable[[Any], Any]] = {
            "add": held.add,
            "update": held.update,
            "remove": held.remove,
            "get": held.get,
            "contains": held.__contains__,
            "snapshot": lambda _: held.snapshot(),
            "from_items": MemoryPool.from_items,
        }
        raised = None
        for name, given in steps:
            size = len(held)
            try:
                calls[name](given)
            except Exception as error:
                raised = raised or error
                if len(held) != size:
                    yield f"{name} raised and changed the pool"
        if len(held) != len(list(held)) or len(held.snapshot()) != len(held):
            yield "the pool's length is not that of its items"
        if raised is not None:
            raise raised

    return Call(run, {"steps": steps})


def workspace(draw: Draw) -> Call:
    """`WorkspaceConfig` of any settings."""
    settings = {"workspace_id": draw.perhaps("w"), **_settings(draw)}
    return calling(WorkspaceConfig, **settings)


def _settings(draw: Draw) -> dict[str, Any]:
    """Groups of settings with odd values under names that there are, and under one that is not."""
    names = list(WorkspaceConfig.model_fields)
    found: dict[str, Any] = {}
    for _ in range(draw.random.randint(1, 4)):
        name = draw.one(names)
        kind = WorkspaceConfig.model_fields[name].annotation
        inner = list(getattr(kind, "model_fields", {})) or ["x"]
        group = {draw.one(inner): draw.anything(), draw.one(inner): draw.number()}
        found[name] = group if draw.chance(0.7) else draw.anything()
    if draw.chance(0.1):
        found[draw.identifier()] = draw.number()
    return found


def written_config(draw: Draw) -> Call:
    """`to_yaml` of what is none, and of what is one."""
    return calling(MemoryBudgetConfigLoader.to_yaml, draw.perhaps(config(draw), 0.4))


def allocator_arguments(draw: Draw) -> Call:
    """The allocator's other methods with any arguments."""
    counter, clock = draw.counter(), draw.perhaps(lambda: PRESENT)
    name = draw.one(
        (
            *("register_workspace", "workspace", "session", "get_allocation_statistics"),
            *("export_allocation_log", "estimate_query_complexity", "from_yaml"),
        )
    )
    given: dict[str, list[Any]] = {
        "get_allocation_statistics": [draw.perhaps("default", 0.3), draw.number()],
        "estimate_query_complexity": [draw.perhaps(draw.text())],
        "export_allocation_log": [draw.one(["", "\0", "/nowhere/\ud800", None, 1.5, [], b"\0"])],
        "from_yaml": [draw.one(["", "\0", "/nowhere/\ud800", "/", None, 1.5, [], b"\0"])],
    }
    arguments = given.get(name, [draw.anything()])
    named: dict[str, Any] = {}
    if name == "estimate_query_complexity":
        named = {"conversation_turns": draw.number(), "candidate_count": draw.number()}

    stores = {draw.one(["sessions", "logs", "workspaces"]): draw.perhaps(None, 0.5)}

    def run() -> Problems:
        allocator = MemoryBudgetAllocator(counter, clock=clock, **stores)
        getattr(allocator, name)(*arguments, **named)
        return iter(())

    return Call(
        run, {"name": name, "arguments": arguments, "counter": counter, "clock": clock, **named}
    )


def stored(draw: Draw) -> Call:
    """Records and previous prompts as they come back from someone's store."""
    items = draw.items(distinct=True)
    names = ("timestamp", "items", "schema_version", "budget_tokens", "text", "breaks", "kind")
    changes = {draw.one(names): draw.anything() for _ in range(draw.random.randrange(3))}
    instead = None if draw.chance(0.8) else draw.anything()
    is_prompt = draw.chance(0.5)

    def run() -> Problems:
        logs = LogMemory()
        found = MemoryBudgetAllocator(len, logs=logs).allocate_memory_budget(
            "Kate?", items, budget_tokens=200, now=NAIVE
        )
        (kept,) = [found.as_previous] if is_prompt else logs.records()
        read: Any = PreviousPrompt.from_dict if is_prompt else record_from_dict
        read({**kept.to_dict(), **changes} if instead is None else instead)
        return iter(())

    return Call(
        run, {"items": items, "changes": changes, "instead": instead, "is_prompt": is_prompt}
    )


def lifecycle(draw: Draw) -> Call:
    """Reviews of hostile items, and recommendations that fit no item."""
    items, now = draw.perhaps(draw.items(), 0.1), draw.one([PRESENT, NAIVE, None, draw.time()])
    settings = draw.perhaps(WorkspaceConfig(workspace_id="w", promotion=PromotionSettings()), 0.1)
    tiers = list(MemoryTier)
    review = [
        LifecycleRecommendation(
            item_id=draw.identifier(), from_tier=draw.one(tiers), to_tier=draw.one(tiers),
            action="promote", standing=draw.number(), why="",
        )
    ]  # fmt: skip
    apply = draw.chance(0.5)

    def run() -> Problems:
        if apply:
            moved = apply_recommendations(items, review, now=now)
            if len(moved) != len(items):
                yield "items lost"
        else:
            list(MemoryBudgetAllocator(len).evaluate_promotion_demotion(items, settings, now=now))

    return Call(
        run, {"items": items, "now": now, "settings": settings, "review": review, "apply": apply}
    )


def joined_texts(draw: Draw) -> Call:
    """`JoinedTexts` as a layout."""
    named: dict[str, Any] = {
        name: draw.perhaps(draw.text()[:2000], 0.1)
        for name in ("name", "separator", "before", "after")
        if draw.chance(0.5)
    }
    if draw.chance(0.2):
        named["text_of"] = draw.one([lambda _: None, lambda _: 3, lambda item: item.content * 2])
    if draw.chance(0.2):
        named["order"] = draw.perhaps(draw.one(list(ItemOrder)), 0.3)
    if draw.chance(0.1):
        named["section_order"] = draw.one([(), (MemoryTier.RAG,), draw.anything()])
    items, budget, counter = draw.items(distinct=True), draw.count(), draw.one(PLAIN_COUNTERS)

    def run() -> Problems:
        layout = JoinedTexts(**named)
        found = MemoryBudgetAllocator(counter).allocate_memory_budget(
            "Kate?", items, budget_tokens=budget, now=NAIVE, layout=layout
        )
        yield from allocation_problems(found, items, counter, budget)
        whole = layout.before + found.prompt_text + layout.after
        if found.prompt_text and counter(whole) > found.budget_tokens:
            yield f"over budget with what stands around: {counter(whole)}"

    return Call(run, {**named, "items": items, "budget": budget, "counter": counter})


def rendering(draw: Draw) -> Call:
    """`RenderingSettings` of any fields."""
    names = list(RenderingSettings.model_fields)
    return calling(RenderingSettings, **{draw.one(names): draw.anything() for _ in range(2)})


def model_counter(draw: Draw) -> Call:
    """`counter_for_model` of any name that needs no download."""
    name = draw.one([draw.anything(), draw.identifier(), "claude-x\ud800", "heuristic"])
    return calling(counter_for_model, name if not isinstance(name, str) else f"claude-{name}")


TARGETS: Mapping[str, Callable[[Draw], Call]] = {
    "MemoryItem": memory_item,
    "allocate": allocate,
    "results": results,
    "session": session,
    "MemoryPool": pool,
    "WorkspaceConfig": workspace,
    "RenderingSettings": rendering,
    "to_yaml": written_config,
    "allocator": allocator_arguments,
    "stored": stored,
    "lifecycle": lifecycle,
    "JoinedTexts": joined_texts,
    "counter_for_model": model_counter,
}
