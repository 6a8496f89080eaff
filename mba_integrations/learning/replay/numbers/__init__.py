"""Records without texts: ids and numbers, from which the same settings decide the same.

A candidate keeps its id, tier, importance, times, place, group and pin. In place of its text, its
source, its group and its speaker stands a number. Beside them stand what texts gave: the tokens of
each line, the score and relevance for the query, which texts say the same, the passages that were
chosen, and the complexity of the query. From there on the decision is the allocator's own.

Settings that only texts decide are refused, by name. Two things are said and not refused:

- A record whose decision does not come out equal from its numbers under the settings of then is
  marked when it is made: `is_exact` in its numbers, and of what is replayed, is false. That happens
  with counters whose counts do not add up over lines, with chat messages, with tables whose parts
  stand side by side, and where a passage of the prompt before is weighed again.
- Where long items may come in as passages, other settings choose among the passages of then, and
  do not cut new ones; what is replayed of them is marked as well.
"""
