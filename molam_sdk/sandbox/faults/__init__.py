"""Faults on demand: what a rule may say, the rules in force, and what is written to a connection that meets one."""
