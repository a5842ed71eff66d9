"""Adapters to web frameworks: a delivery goes in as the framework has it, and comes out as its response."""
