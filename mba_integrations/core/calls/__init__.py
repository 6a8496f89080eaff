"""One call from its arguments to its result, and what is kept for the next.

Imports budget, config, counting, layout, log, pool, result, search, selection, times, turns and
value. Offers `Call`, and the counters, sessions and logs that calls share, to the allocator;
nothing else imports it. The `SessionStore` protocol and `SessionMemory` are public.
"""
