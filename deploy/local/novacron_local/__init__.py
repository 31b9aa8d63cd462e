"""The local stack: PostgreSQL, Valkey, a development CA and every process, on one machine."""
