"""Django's PostgreSQL with a pool that looks at a connection before it hands it out (docs/decisions/0009)."""
