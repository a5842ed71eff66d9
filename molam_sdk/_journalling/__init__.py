"""How a client keeps its journal: what is written before a call and after it, and what is done with it later."""
