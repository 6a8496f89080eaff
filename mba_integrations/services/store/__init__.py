"""Keep memories, their changes, sessions, allocations and jobs, on SQLite or Postgres.

The way in is `open_store` (`opening`). It gives a `Store` (`store`): `read` and `write` make a
scope (`scopes`) that is bound to one workspace, and the functions of `statements` take a scope
first. No other package builds a statement on these tables. What they take and give is in `rows`,
what goes wrong in `errors`.

    from mba_integrations.services.store.opening import open_store
    from mba_integrations.services.store.rows.memories import MemoryRow
    from mba_integrations.services.store.statements import memories, workspaces

    with open_store("memory.db") as store:
        store.write("kate", lambda writing: workspaces.create(writing, settings={}))
        row = MemoryRow(memory_id="m1", content="Kate skis.", tier="project")
        store.write("kate", lambda writing: memories.add(writing, [row]))
        with store.read("kate") as reading:
            assert memories.current(reading)[0].content == "Kate skis."

Imports `errors`, `arguments` and `model` of the core. Offers `open_store`, `Store`, the scopes, and
the modules of `rows` and `statements`.
"""
