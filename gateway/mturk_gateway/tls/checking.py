"""Whether a certificate can be served, said before anything is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mturk_gateway.tls.files import TlsError

_SOON = timedelta(days=30)
_RENEW = "`mturk-gateway tls init` makes a new one"


def check_certificate(certificate: Path, key: Path, now: float) -> str | None:
    """A warning when the certificate ends within 30 days. Raises TlsError when clients would refuse it now.

    Both are PEM files; the first certificate in its file is the server's own.
    """
    found = _read_certificate(certificate)
    content = _read(key)
    try:
        public = load_pem_private_key(content, password=None).public_key()
    except TypeError:
        raise TlsError(f"{key} has a password, which nobody is here to give") from None
    except (ValueError, UnsupportedAlgorithm):
        raise TlsError(f"{key} is not a private key in PEM form") from None
    if public != found.public_key():
        raise TlsError(f"{key} does not belong to {certificate}")
    moment = datetime.fromtimestamp(now, UTC)
    end = found.not_valid_after_utc
    if end <= moment:
        raise TlsError(f"{certificate} ended on {end:%Y-%m-%d}; {_RENEW}")
    if found.not_valid_before_utc > moment:
        raise TlsError(f"{certificate} begins on {found.not_valid_before_utc:%Y-%m-%d}: is this machine's clock right?")
    if end - moment < _SOON:
        return f"{certificate} ends on {end:%Y-%m-%d}; {_RENEW}"
    return None


def _read_certificate(path: Path) -> x509.Certificate:
    content = _read(path)
    try:
        return x509.load_pem_x509_certificate(content)
    except ValueError:
        raise TlsError(f"{path} is not a certificate in PEM form") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise TlsError(f"there is no {path}; {_RENEW}") from None
    except OSError as error:
        raise TlsError(f"{path}: {error.strerror}") from None
