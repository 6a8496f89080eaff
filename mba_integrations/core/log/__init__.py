"""Records of allocations, statistics over them, and their files.

Imports config and the ground floor; knows nothing of how an allocation is made, so that a reader
of logs needs no allocator. Offers `AllocationLog`, its records, statistics and files.
"""
