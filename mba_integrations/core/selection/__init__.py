"""Which items come in, and the prompt that is written of them.

Imports budget, config, counting, dialogue, layout, packing, pool, search and value. Offers
`select`, from a `SelectionProblem` and a `Continuation` to a `Selection`; the best sentences in
place of long items; and what another budget would buy.
"""
