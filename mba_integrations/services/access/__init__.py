"""Who a caller is and what it may do: keys, scopes, and the `Principal` that they make.

Imports `store`, `errors` and `arguments` of the core. Offers `principal`, `keys` and `errors`. The
only place that says which workspaces a caller may reach: a skin asks it, and never a body.
"""
