"""`MemoryService`: memories that stay, and come back within a budget.

Plain Python over `services.store`; no web framework, no language model. `service` is the front
door; each folder is one of the service's jobs.
"""
