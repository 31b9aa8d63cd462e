"""The audit log: append-only, one chain of hashes per tenant."""
