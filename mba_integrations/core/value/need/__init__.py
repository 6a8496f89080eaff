"""How probably each item is needed, beside how it matches.

`level` says how many are, `standing` what counts whatever is asked, `talk` what the running talk
adds, `trace` what an agent at work needs; `need` puts them together. `given` stands for all of it
where the caller gives the relevance.
"""
