"""A service account for the stand-in: a real key that Google's library signs with, and our address to fetch tokens."""

import json
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from config.local_stack.files import write_private

PROJECT = "marquee-demo"
FILE = "fcm-service-account.json"


def ensure_account(folder: Path, base_url: str) -> Path:
    """Return the file of a service account whose tokens come from ``base_url``; it is made on first use."""
    file = folder / FILE
    known = _read(file)
    token_uri = f"{base_url}/token"
    if known.get("token_uri") != token_uri:
        account = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "demo",
            "private_key": known.get("private_key") or _private_key(),
            "client_email": f"push@{PROJECT}.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": token_uri,
        }
        write_private(file, json.dumps(account, indent=1))
    return file


def _read(file: Path) -> dict[str, str]:
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def _private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
