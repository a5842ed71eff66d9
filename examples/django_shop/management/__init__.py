"""The shop's own commands."""
