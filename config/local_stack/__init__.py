"""The local stack: everything `make run` and `make test` need on a machine with only Python.

It starts real PostgreSQL and Valkey from the wheels of the virtual environment, watches the
product's processes and stops them. It imports no Django, so that it can prepare the environment
which the settings read.
"""
