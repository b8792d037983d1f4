"""Which ads somebody sees: an index in memory, a weighted choice, one look at Redis, and never a statement."""
