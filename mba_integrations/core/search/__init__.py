"""Finding texts by their words and by their vectors.

Imports rows and the ground floor. Offers terms and BM25 over them, the sentences of a text and the
passages that a query is about, what headings a text names and which speakers, embedders that embed
each text once, and vectors held once.
"""
