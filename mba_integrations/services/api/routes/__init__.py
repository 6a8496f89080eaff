"""Routes: each a plain function that checks the caller, calls the service and views the reply.

One module for each area; none has logic of its own.
"""
