"""HTTP/1.1 without a socket (RFC 9112): a request into bytes, bytes into one answer."""
