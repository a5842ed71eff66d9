"""The control paths under /_sandbox: faults, clock, ledger and webhooks for tests in other processes."""
