"""The certificate, where the gateway speaks TLS itself."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from cryptography import x509

from mturk_gateway.clock import wall_clock
from mturk_gateway.doctor.findings import Finding, ok, problem, warning
from mturk_gateway.settings import Settings
from mturk_gateway.tls.checking import check_certificate
from mturk_gateway.tls.files import TlsError


def check_certificates(settings: Settings) -> Iterator[Finding]:
    """Whether clients can accept it: its key, its dates, its names, and who vouches for it."""
    made = settings.tls_files.certificate
    if settings.certificate is None:
        if made.exists() and settings.behind_proxy is None:
            yield warning(f"{made} is not used: nothing is answered over TLS", "--tls, or a proxy in front")
        return
    path, key = settings.certificate
    mend = (
        f"mturk-gateway tls init --data {settings.data}"
        if settings.tls
        else "give the files of another with --tls-certificate and --tls-key"
    )
    try:
        soon = check_certificate(path, key, wall_clock())
    except TlsError as error:
        yield problem(f"clients refuse to connect: {error}", mend)
        return
    if soon:
        yield warning(soon, mend)
    chain = x509.load_pem_x509_certificates(path.read_bytes())
    names = _names(chain[0])
    host = urlsplit(settings.public_url).hostname if settings.public_url else None
    if host and not any(_covers(name, host) for name in names):
        yield problem(f"{path} is for {', '.join(names)}, and not for {host}, which clients call", mend)
    if not settings.tls and len(chain) == 1 and chain[0].issuer != chain[0].subject:
        yield warning(
            f"{path} has no certificate of whoever vouches for it: clients that do not know them refuse to connect",
            "put the certificates of the chain behind the server's own, in the same file",
        )
    yield ok(f"{path} is for {', '.join(names)}, until {chain[0].not_valid_after_utc:%Y-%m-%d}")


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]


def _covers(name: str, host: str) -> bool:
    if name.startswith("*."):
        return host.partition(".")[2].lower() == name[2:].lower()
    return name.lower() == host.lower()
