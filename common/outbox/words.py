"""Kinds of jobs as people read them."""


def kind_words(kind: str) -> str:
    """Return what a job does in words: ``payments.create_refund`` is ``Create refund``."""
    return kind.partition(".")[2].replace(".", " ").replace("_", " ").capitalize() or kind
