"""To which conversation a request belongs.

Imports the store's limits alone. Offers `naming`.
"""
