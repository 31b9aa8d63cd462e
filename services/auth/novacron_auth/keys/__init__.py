"""Keys and what they sign: the ring of signing keys, access tokens."""
