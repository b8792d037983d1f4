"""The top floor: settings, URLs, processes, and the local stack."""

import gc

# At Python's own threshold (700 new objects) what was imported is walked again and again: a fifth of a process's
# start and a tenth of its work (docs/performance.md).
gc.set_threshold(50_000, 20, 20)
