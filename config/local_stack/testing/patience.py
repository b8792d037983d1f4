"""How long a test waits for what must come: only a failure waits that long, and a machine may be ten times slower."""

from typing import Final

SECONDS: Final = 60.0
MS: Final = 60_000
# For what starts processes of the product.
LONG_SECONDS: Final = 240.0
