"""What holds for every request, each rule a plain ASGI layer; the first one is the outermost.

`outer` (id, timing, headers, metrics, errors), `refusals` (errors as clients of mounts read them),
`hosts` (Host and Origin), `bodies` (size, callers that go away), `callers` (keys, rates), `answers`
(requests that come again). None is Starlette's `BaseHTTPMiddleware`, which hides from the app that
a caller went away.
"""
