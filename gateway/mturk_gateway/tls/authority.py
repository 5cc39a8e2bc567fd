"""An authority of one's own, which can vouch for a few host names and for nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mturk_gateway.tls.files import TlsError, TlsFiles, write_whole
from mturk_gateway.tls.hosts import is_host_name

_AUTHORITY_LIFE = timedelta(days=3650)
_CERTIFICATE_LIFE = timedelta(days=820)
"""macOS takes no certificate that is good for more than 825 days, whoever signed it."""
_BACKDATED = timedelta(days=1)
"""For clients whose clocks are behind."""
# Every client since 2006 reads RSA with SHA-256. Elliptic curves were left out of the OpenSSL of Red Hat's systems
# until 2013, and are not in all builds of Java 7.
_AUTHORITY_BITS = 3072
_CERTIFICATE_BITS = 2048
_EVERY_ADDRESS = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True)
class Made:
    """What `make_certificates` did: the names, whether the authority is a new one, and until when both are good."""

    names: tuple[str, ...]
    new_authority: bool
    authority_end: datetime
    certificate_end: datetime


def make_certificates(files: TlsFiles, names: Sequence[str], now: float, *, new_authority: bool = False) -> Made:
    """Make a certificate for host names, and before it the authority that signs it if there is none yet.

    An authority that is there is kept, because people have installed it: it can sign for no more names than it was made
    for, and `new_authority` makes another. Raises TlsError when that would be needed, or when a file cannot be used.
    """
    for name in names:
        if not is_host_name(name) and name != "localhost":
            raise TlsError(f"{name!r} is not a host name: old clients understand no addresses in certificates")
    moment = datetime.fromtimestamp(now, UTC)
    try:
        files.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = files.authority.exists() or files.authority_key.exists()
        authority = None if new_authority or not there else _read_authority(files, moment)
        made = authority is None
        authority = authority or _make_authority(files, names, moment)
        end = _make_certificate(files, authority, names, moment)
    except OSError as error:
        raise TlsError(f"{error.filename}: {error.strerror}") from None
    return Made(tuple(names), made, authority.certificate.not_valid_after_utc, end)


@dataclass(frozen=True)
class _Authority:
    certificate: x509.Certificate
    key: RSAPrivateKey


def _read_authority(files: TlsFiles, now: datetime) -> _Authority:
    another = "`mturk-gateway tls init --new-authority` makes another, which clients must be told to trust anew"
    try:
        certificate = x509.load_pem_x509_certificate(files.authority.read_bytes())
        key = load_pem_private_key(files.authority_key.read_bytes(), password=None)
    except FileNotFoundError as error:
        raise TlsError(f"{error.filename} is missing, and the authority is of no use without it; {another}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise TlsError(f"the authority in {files.folder} cannot be read; {another}") from None
    if not isinstance(key, RSAPrivateKey) or key.public_key() != certificate.public_key():
        raise TlsError(f"{files.authority_key} does not belong to {files.authority}; {another}")
    if certificate.not_valid_after_utc <= now:
        raise TlsError(f"{files.authority} ended on {certificate.not_valid_after_utc:%Y-%m-%d}; {another}")
    return _Authority(certificate, key)


def permitted_names(certificate: Path) -> tuple[str, ...]:
    """The host names that an authority was made for. Raises TlsError when there is none."""
    try:
        return _permitted(x509.load_pem_x509_certificate(certificate.read_bytes()))
    except FileNotFoundError:
        raise TlsError(f"there is no {certificate}; `mturk-gateway tls init` makes it") from None
    except OSError as error:
        raise TlsError(f"{certificate}: {error.strerror}") from None
    except ValueError:
        raise TlsError(f"{certificate} is not a certificate") from None


def _permitted(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(name.value for name in constraints.permitted_subtrees or () if isinstance(name, x509.DNSName))


def _make_authority(files: TlsFiles, names: Sequence[str], now: datetime) -> _Authority:
    key = generate_private_key(65537, _AUTHORITY_BITS)
    # A day in the name tells two of them apart where both are installed.
    name = _name(f"mturk-gateway local authority {now:%Y-%m-%d}")
    builder = (
        _builder(name, name, key, now, now + _AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(certificates=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            # Who trusts the authority need not trust those who can read its key with anything else.
            x509.NameConstraints(
                permitted_subtrees=[x509.DNSName(host) for host in names],
                excluded_subtrees=[x509.IPAddress(ip_network(every)) for every in _EVERY_ADDRESS],
            ),
            critical=True,
        )
    )
    certificate = builder.sign(key, hashes.SHA256())
    write_whole(files.authority_key, _pem(key), 0o600)
    write_whole(files.authority, certificate.public_bytes(Encoding.PEM), 0o644)
    return _Authority(certificate, key)


def _make_certificate(files: TlsFiles, authority: _Authority, names: Sequence[str], now: datetime) -> datetime:
    permitted = _permitted(authority.certificate)
    for name in names:
        if name not in permitted:
            raise TlsError(
                f"{files.authority} can vouch for {', '.join(permitted) or 'nothing'} only, not for {name}; "
                "`--new-authority` makes another, which clients must be told to trust anew"
            )
    key = generate_private_key(65537, _CERTIFICATE_BITS)
    end = min(now + _CERTIFICATE_LIFE, authority.certificate.not_valid_after_utc)
    authority_id = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _builder(_name(names[0]), authority.certificate.subject, key, now, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        # No addresses: the OpenSSL of Python 2.7's first years refuses a chain in which it is to compare some.
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in names]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority_id), critical=False)
    )
    certificate = builder.sign(authority.key, hashes.SHA256())
    write_whole(files.key, _pem(key), 0o600)
    write_whole(files.certificate, certificate.public_bytes(Encoding.PEM), 0o644)
    return end


def _builder(
    subject: x509.Name, issuer: x509.Name, key: RSAPrivateKey, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        key_encipherment=not certificates,
        key_cert_sign=certificates,
        crl_sign=certificates,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key: RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
