"""What stands on the SDK's core: the webhook receiver, its stores, and adapters to frameworks."""
