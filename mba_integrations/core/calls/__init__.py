"""One call from its arguments to its result, and what is kept for the next.

Imports budget, config, counting, layout, log, pool, result, selection, turns and value. Offers the
call, the counters, sessions and logs of workspaces to the allocator; nothing else imports it.
"""
