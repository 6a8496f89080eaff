"""The dashboard: a page in a browser that shows what fills prompts, over the server's own API.

    /dashboard/                 files, open to all: HTML, styles, modules
    /dashboard/session          log in with a key, who is logged in, log out
    /dashboard/v1/...           the API, with the key of the cookie and against foreign pages

It may import `access`, `memory` and, of `api`, what mounts an app and answers problems.
"""
