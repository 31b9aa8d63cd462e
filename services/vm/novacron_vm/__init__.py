"""The vm service: VMs, their templates, and the sagas that make and unmake them."""
