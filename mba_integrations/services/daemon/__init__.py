"""The one process that has a database file for itself: where it answers, and how it is started.

Standard library only, so that what a client starts for each conversation answers at once. Imports
the lock files of `store`. Offers `running`, `token_beside` (`place`), `ensure` (`starting`),
`serve_until_idle` (`ending`) and `Connection` (`speaking`).
"""
