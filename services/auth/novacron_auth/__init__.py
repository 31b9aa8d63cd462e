"""The auth service: signs users in, and tells services what users may do."""
