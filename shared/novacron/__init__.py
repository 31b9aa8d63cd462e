"""NovaCron's shared library: everything a service stands on, and nothing that knows a service."""

__version__ = "0.1.0"
