"""What can be asked and done, each a function that takes a scope first.

Every statement begins with a method of the scope, which binds it to the scope's workspace. Imports
`scopes`, `errors`, `rows`, `tables`, `owned` and `dialect`. Offers `workspaces`, `memories` (add,
change, forget), `finding` (look up, list, count), `changes` (the feed), `history` (as of a time,
earlier texts), `accesses`, `vectors`, `sessions`, `allocations` (with feedback), `jobs`, `answers`
and `pruning`.
"""
