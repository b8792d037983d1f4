"""A local stand-in for Stripe: real HTTP, signed webhooks and a hosted checkout page, without an account.

It is a process of its own and imports nothing of the product. Start it with `python -m sandbox`; tests
and the local stack start it through `sandbox.testing.SandboxProcess`. It listens on loopback only and
refuses to start beside a live key or in production.
"""
