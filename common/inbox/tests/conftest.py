"""Kinds of job that exist for one test only."""

from common.outbox.tests.conftest import kind

__all__ = ["kind"]
