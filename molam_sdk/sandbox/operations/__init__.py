"""The operations: one file per resource, each row beside what serves it.

An operation on a resource that is here is one row and one function in its file; a new resource is a new file and a line
in table.py. Router, scopes, OpenAPI document, metrics and faults read the table.
"""
