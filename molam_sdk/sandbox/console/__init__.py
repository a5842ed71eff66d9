"""The console: one page at `/` that shows a running sandbox; its files are served as they stand in static/."""
