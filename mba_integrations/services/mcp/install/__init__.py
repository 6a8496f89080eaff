"""Settings of clients: where each keeps its servers, in what shape, and whether what stands there
works.
"""
