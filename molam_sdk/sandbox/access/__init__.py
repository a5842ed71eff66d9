"""Who may ask, for what, and how often: API keys with their scopes, and the rate limit."""
