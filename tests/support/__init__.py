"""What several rooms of tests share: doubles at the socket and the transport, shops, stores, processes."""
