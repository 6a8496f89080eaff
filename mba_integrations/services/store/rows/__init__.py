"""What the store takes and gives: frozen values, one module for each area.

Times are datetimes with a zone, and come back in UTC. Imports `model` of the core. Offers
`memories`, `loaded`, `changes`, `workspaces`, `sessions`, `allocations`, `rollups` (with `figures`,
what they add up), `gateway`, `jobs`, `erasures`, `keys`.
"""
