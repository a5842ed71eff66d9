"""Where the sandbox keeps things: tables, transactions, what is written when a rule has decided, and the ledger."""
