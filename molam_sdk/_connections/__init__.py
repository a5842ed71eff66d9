"""How many connections stand, in all pools of this process: counted below the clients, shown to whoever scrapes."""
