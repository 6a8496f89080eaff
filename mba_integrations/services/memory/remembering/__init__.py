"""Writing: what is remembered, revised, moved, pinned, held and forgotten."""
