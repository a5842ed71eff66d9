"""The webhook receiver in Django: an app whose table keeps the claims, and a view."""
