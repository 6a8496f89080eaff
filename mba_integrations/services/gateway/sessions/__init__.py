"""To which conversation a request belongs, and which model that is asked of.

Imports `routing` and the memory service. Offers `naming` and `routes`.
"""
