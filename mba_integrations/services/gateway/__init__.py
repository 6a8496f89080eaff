"""The gateway: a base URL that gives clients of OpenAI and Anthropic memory within a budget.

A room imports those that stand before it: `wire` (what requests and replies say), `rewriting`
(memory in a request, and the whole within a budget), `passing` (a request handed on), `sessions`
(to which conversation a request belongs), `desk` (what becomes of a call). `callers` says who may
call, `app` puts them together.
"""
