"""What there is, in memory: a hint to choose by. The database decides."""
