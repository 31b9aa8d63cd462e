"""One file per hypervisor family, all behind the Protocol in ``driver.py``."""
