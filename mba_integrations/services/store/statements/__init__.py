"""What can be asked and done, each a function that takes a scope first.

Every statement begins with a method of the scope, or with what that begins it with where it is made
once: both bind it to the scope's workspace. Imports `scopes`, `glances`, `errors`, `rows`,
`tables`, `owned`, `dialect` and `documents`. Offers `workspaces`, `memories` (add, change, forget),
`finding` (look up, list, count), `loading` (all of a workspace, for its pool), `changes` (the
feed), `history` (as of a time, earlier texts), `accesses`, `vectors`, `documents`, `jobs`,
`answers`, `log/` (what calls leave) and `gateway/` (what calls to providers spend).
"""
