"""Find candidates in a workspace that is too large for a pool: by words, by vectors, by place.

Imports what `statements` does. Offers `parts` (words of many texts, kept together), `postings`
(how they are written, and BM25 over them), `words` (candidates by words), `nearest` (by vectors)
and `beside` (what belongs to candidates, and what always is one).
"""
