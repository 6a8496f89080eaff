"""What calls leave: sessions with their previous prompts, the log of allocations, and its sums.

Imports what `statements` does. Offers `sessions`, `allocations` (with feedback), `rollups` and
`rebuilding` (sums made anew of the log).
"""
