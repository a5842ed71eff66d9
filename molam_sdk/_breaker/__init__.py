"""The circuit breaker of a client: a gate over pybreaker, shared by name, and what metrics tell of it."""
