"""Tests of the Stripe sandbox, through the real `stripe` library and plain HTTP."""
