"""Commands of the app, one per file."""
