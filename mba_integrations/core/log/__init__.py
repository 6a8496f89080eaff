"""Records of allocations, where they are kept, statistics over them, and their files.

Imports config and the ground; knows nothing of how an allocation is made, so that a reader of logs
needs no allocator. Offers the records, the `LogStore` protocol with `LogMemory`, statistics, and
the reading and writing of files.
"""
