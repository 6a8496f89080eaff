"""Settings of a workspace looked for on its past allocations, and proven on the newer ones.

From the ground up: `needed` is what feedback says; `bench` decides past sessions again; `space` is
where is looked; `studies` keeps a study in a database and works on it; `workers` are processes that
share one; `tune` does it all, to a verdict of the gate.
"""

TRIALS = 150
"""How many settings are tried, unless somebody says otherwise."""
