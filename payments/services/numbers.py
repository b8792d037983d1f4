"""Order numbers that people can read to each other."""

import secrets

# Without 0 O 1 I L U, which are misheard or misread, or make words.
_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_number() -> str:
    """Return a fresh number such as ``MQ-7K3FA-9QXDM``.

    One of 30 ** 10, and the database refuses a second.
    """
    # One draw: ten would ask the system for randomness ten times.
    left, text = secrets.randbelow(len(_LETTERS) ** 10), ""
    for _ in range(10):
        left, letter = divmod(left, len(_LETTERS))
        text += _LETTERS[letter]
    return f"MQ-{text[:5]}-{text[5:]}"


def normal_number(text: str) -> str:
    """Return a number as it is stored, from how a person typed it."""
    plain = "".join(text.upper().split()).replace("-", "").removeprefix("MQ")
    return f"MQ-{plain[:5]}-{plain[5:]}"
