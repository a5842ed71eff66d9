"""The doubles that a user's tests need; pytest loads this module as a plugin."""
