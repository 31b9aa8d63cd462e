"""A pytest plugin: real databases, real servers, users and services with real certificates, and patience with a deadline.

``tests/conftest.py`` loads it by ``pytest_plugins = ["novacron.testing.plugin"]``.
"""
