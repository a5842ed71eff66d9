"""Everything that waits: sockets, DNS, sleep; each wait bounded by the call's deadline."""
