"""The top floor: settings, URLs, processes, and the local stack."""
