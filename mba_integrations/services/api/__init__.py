"""A memory service over HTTP: routes are thin, layers keep the rules that hold for all of them.

Needs the extra `server`. Imports `contracts`, `access`, `memory` and `store` (its rows and errors);
no other skin. Offers `app` (`create_app`), `settings`, `mounts` and `serving`.
"""
