"""The API over HTTP: from the bytes of a request to the operation and back, and the server that listens."""
