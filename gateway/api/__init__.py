"""The HTTP contract, v1: routes that parse, ask the kernel or read, and reply; refusals as problem+json.

What changes state goes through the kernel and is answered once it is durable. Lists and histories are read from the
database, the present state of the plant from the books between two commits.
"""
