"""Tenants: who owns users."""
