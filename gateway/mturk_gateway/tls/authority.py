"""An authority of one's own, which can vouch for a few host names and for nothing else.

It vouches for a signer, and the signer for the server. Clients are told to trust the authority, whose key signs once
and is forgotten. The key that stays on the disk is the signer's. Every client heeds the names to which the certificate
of the signer confines it, while Java passes over such words in that of whoever it is told to trust.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
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
# Whoever speaks TLS 1.2 reads RSA with SHA-256. Certificates with elliptic curves are not read by the OpenSSL that Red
# Hat's systems had until 2013, nor by all builds of Java 7.
_AUTHORITY_BITS = 3072
_CERTIFICATE_BITS = 2048
_EVERY_ADDRESS = ("0.0.0.0/0", "::/0")
_ANOTHER = "`mturk-gateway tls init --new-authority` makes another, which clients must be told to trust anew"


@dataclass(frozen=True)
class Made:
    """What `make_certificates` did: the names, whether the authority is a new one, and until when both are good."""

    names: tuple[str, ...]
    new_authority: bool
    authority_end: datetime
    certificate_end: datetime


def make_certificates(files: TlsFiles, names: Sequence[str], now: float, *, new_authority: bool = False) -> Made:
    """Make a certificate for host names, and before it an authority if there is none yet.

    An authority that is there is kept, because people have installed it: it can sign for no more names than it was made
    for, and `new_authority` makes another. Raises TlsError when that would be needed, or when a file cannot be used.
    """
    for name in names:
        if not is_host_name(name) and name != "localhost":
            raise TlsError(f"{name!r} is not a host name: old clients understand no addresses in certificates")
    moment = datetime.fromtimestamp(now, UTC)
    try:
        files.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.folder.mkdir(mode=0o700, exist_ok=True)
        signer = _read_signer(files, moment) if files.authority.exists() and not new_authority else None
        made = signer is None
        signer = signer or _make_authority(files, names, moment)
        end = _make_certificate(files, signer, names, moment)
    except OSError as error:
        raise TlsError(f"{error.filename}: {error.strerror}") from None
    return Made(tuple(names), made, signer.certificate.not_valid_after_utc, end)


@dataclass(frozen=True)
class _Signer:
    certificate: x509.Certificate
    key: RSAPrivateKey


def _read_signer(files: TlsFiles, now: datetime) -> _Signer:
    try:
        authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
        certificate = x509.load_pem_x509_certificate(files.signer.read_bytes())
        certificate.verify_directly_issued_by(authority)
        key = load_pem_private_key(files.signer_key.read_bytes(), password=None)
    except FileNotFoundError as error:
        raise TlsError(f"{error.filename} is missing, and the authority is of no use without it; {_ANOTHER}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature):
        raise TlsError(f"authority and signer in {files.folder} do not fit or cannot be read; {_ANOTHER}") from None
    if not isinstance(key, RSAPrivateKey) or key.public_key() != certificate.public_key():
        raise TlsError(f"{files.signer_key} does not belong to {files.signer}; {_ANOTHER}")
    if certificate.not_valid_after_utc <= now:
        raise TlsError(f"{files.authority} ended on {certificate.not_valid_after_utc:%Y-%m-%d}; {_ANOTHER}")
    return _Signer(certificate, key)


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


def _make_authority(files: TlsFiles, names: Sequence[str], now: datetime) -> _Signer:
    authority_key, key = (generate_private_key(65537, _AUTHORITY_BITS) for _ in range(2))
    end = now + _AUTHORITY_LIFE
    # The day tells two of them apart where both are installed.
    name = _name(f"mturk-gateway local authority {now:%Y-%m-%d}")
    authority = _confined(_builder(name, authority_key.public_key(), now, end), names, signers=1)
    signer = _confined(_builder(_name("mturk-gateway signer"), key.public_key(), now, end), names, signers=0)
    certificate = _signed(signer, name, authority_key)
    write_whole(files.signer_key, _pem(key), 0o600)
    write_whole(files.signer, certificate.public_bytes(Encoding.PEM), 0o644)
    write_whole(files.authority, _signed(authority, name, authority_key).public_bytes(Encoding.PEM), 0o644)
    return _Signer(certificate, key)


def _make_certificate(files: TlsFiles, signer: _Signer, names: Sequence[str], now: datetime) -> datetime:
    permitted = _permitted(signer.certificate)
    for name in names:
        if name not in permitted:
            raise TlsError(
                f"{files.authority} can vouch for {', '.join(permitted) or 'nothing'} only, not for {name}; {_ANOTHER}"
            )
    key = generate_private_key(65537, _CERTIFICATE_BITS)
    end = min(now + _CERTIFICATE_LIFE, signer.certificate.not_valid_after_utc)
    builder = (
        _builder(_name(names[0]), key.public_key(), now, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True, key_encipherment=True), critical=True)
        # No addresses: the OpenSSL of Python 2.7's first years refuses a chain in which it is to compare some.
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in names]), critical=False)
    )
    certificate = _signed(builder, signer.certificate.subject, signer.key)
    chain = b"".join(one.public_bytes(Encoding.PEM) for one in (certificate, signer.certificate))
    write_whole(files.key, _pem(key), 0o600)
    write_whole(files.certificate, chain, 0o644)
    return end


def _confined(builder: x509.CertificateBuilder, names: Sequence[str], signers: int) -> x509.CertificateBuilder:
    """The certificate of somebody who may sign for some names, through so many signers in a row."""
    constraints = x509.NameConstraints(
        permitted_subtrees=[x509.DNSName(host) for host in names],
        excluded_subtrees=[x509.IPAddress(ip_network(every)) for every in _EVERY_ADDRESS],
    )
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=signers), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(constraints, critical=True)
    )


def _builder(subject: x509.Name, key: RSAPublicKey, now: datetime, end: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )


def _signed(builder: x509.CertificateBuilder, issuer: x509.Name, key: RSAPrivateKey) -> x509.Certificate:
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    return builder.issuer_name(issuer).add_extension(issuer_id, critical=False).sign(key, hashes.SHA256())


def _usage(**allowed: bool) -> x509.KeyUsage:
    every = dict.fromkeys(_USAGES, False)
    return x509.KeyUsage(**{**every, **allowed})


_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key: RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
