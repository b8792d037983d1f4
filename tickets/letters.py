"""Numbers and codes that people read aloud: without letters and digits that are mistaken for each other."""

import hashlib
import secrets

# Neither 0 and O nor 1, I and L; a ticket's number is read, not typed in a hurry.
_NUMBER_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_NUMBER_LENGTH = 10
# A manual code is typed at the door: also without 2 and Z, 5 and S, 8 and B, U and V.
_CODE_LETTERS = "34679ACDEFGHJKMNPQRTWXY"
CODE_LENGTH = 8


def new_number() -> str:
    """Return a ticket's number that nobody has: of 31^10 (8 * 10^14) a repetition is refused by the table's
    unique constraint."""
    letters = _random(_NUMBER_LETTERS, _NUMBER_LENGTH)
    return f"T-{letters[:5]}-{letters[5:]}"


def new_manual_code() -> str:
    """Return a code for typing, of 23^8 (8 * 10^10): too many to guess at ten wrong ones a minute."""
    return _random(_CODE_LETTERS, CODE_LENGTH)


def manual_code_hash(code: str) -> bytes:
    """Return by what a code for typing is looked up; the index over tickets makes the same of theirs."""
    return hashlib.sha256(code.encode()).digest()


def shown_manual_code(code: str) -> str:
    """Return the code as people read it: ``ABCD-EFGH``."""
    return f"{code[:4]}-{code[4:]}"


def typed_manual_code(text: str) -> str | None:
    """Return the code that somebody typed, in whatever case and spacing; None when it can be none."""
    code = "".join(text.upper().replace("-", " ").split())
    return code if len(code) == CODE_LENGTH and set(code) <= set(_CODE_LETTERS) else None


def _random(letters: str, length: int) -> str:
    return "".join(secrets.choice(letters) for _ in range(length))
