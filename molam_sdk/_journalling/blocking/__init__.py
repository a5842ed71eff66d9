"""The journal of the blocking clients."""
