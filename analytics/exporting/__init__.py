"""Reports as files: what stands in them (``content``), and how each format writes it."""
