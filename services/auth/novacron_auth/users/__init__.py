"""Users: who they are, and their passwords."""
