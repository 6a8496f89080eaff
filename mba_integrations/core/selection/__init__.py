"""Which items come in, and the prompt that is written of them.

Imports budget, config, counting, layout, packing, pool, search and value. Offers the selection of
one prompt: pins, packing, counting, repair, passages in place of long items, and its budget curve.
"""
