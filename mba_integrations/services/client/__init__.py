"""Clients of a server: `MbaClient` and `AsyncMbaClient`.

Import httpx2 and `errors` of the core, nothing of the server's and no database. Offer `client`,
`async_client` and `errors`; what both have in common is in `requests`, `endpoints` and `replies`.
"""
