"""The verbs of the `galago` command: what may be written behind each, and which part it calls.

A verb imports its part only when it is called.
"""
