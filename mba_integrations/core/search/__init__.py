"""Finding texts by their words and by their vectors.

Imports rows and the ground floor. Offers terms and BM25 over them, the passages of a text that a
query is about, what headings a text names and which speakers, embedders that embed each text once,
and vectors held once.
"""
