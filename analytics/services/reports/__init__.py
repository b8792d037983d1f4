"""Scheduled reports: what they are, when they are due, making them and sending them."""
