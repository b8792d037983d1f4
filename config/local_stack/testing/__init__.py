"""Servers and helpers for the test suite; loaded by pytest before Django's settings."""
