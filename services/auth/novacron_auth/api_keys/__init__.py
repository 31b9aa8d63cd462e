"""API keys: for programs, in the name of a user."""
