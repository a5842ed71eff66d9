"""Waiting by threads: the transport of the blocking client."""
