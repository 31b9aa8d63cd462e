"""Federation: clouds beyond this one."""
