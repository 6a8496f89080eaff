"""The six tools, the resources and the prompts: functions of a service, a caller and arguments.

Nothing here knows the protocol; `server` hands their replies over.
"""
