"""Stripe's objects, a module each: their shapes, their endpoints and what the endpoints refuse."""
