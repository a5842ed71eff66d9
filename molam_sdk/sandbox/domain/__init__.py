"""What Molam decides, as pure rules: documents in, effects out; no store, no socket, no waiting."""
