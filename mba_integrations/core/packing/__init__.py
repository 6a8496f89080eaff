"""Which items fit, and how far from the best choice that is.

Imports arrays and errors. Knows values, tokens and tiers as numbers, and nothing of items, prompts
or counters. Offers `pack` over a `PackingProblem`, and the `Doubt` that it leaves about items that
were kept out of the problem.

From the ground up: `ranked_items` sorts the densest items of one tier; `core_table` is the dynamic
program over the few in doubt; `knapsack` solves one tier by the two. `guarantee` says what is kept
for a tier; `sharing_tier` is a tier that may pay beyond it, `shared_price` the price at which
several share a budget, `cost_lists` what each can be worth at which cost; `shared_budget` solves
several tiers by the three. `pack` plays these over the steps of the packing rules.

One word for one kind of number: a *row* numbers an item of the problem; a *position* numbers an
item among those of one `RankedItems`; a *rank* counts items by falling density; a *state* numbers
an entry of a `CostList`. The *core* here is Pisinger's: the items that densities leave in doubt.
"""
