"""Where each kind of system keeps its hosts file and its trusted authorities."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class System:
    """How one kind of system is told to trust an authority. In texts, `{file}` is the authority's certificate.

    `installed` is where it is afterwards, for everybody to read, and `bundle` a PEM file with all that the system
    trusts; both are the certificate itself where a system has no such files. `environment` sets a variable.
    """

    title: str
    trust: tuple[str, ...]
    installed: str = "{file}"
    bundle: str = "{file}"
    hosts_file: str = "/etc/hosts"
    environment: str = "export {name}={value}"


_COPY = "sudo install -D -m 644 {file} "
_DEBIAN = "/usr/local/share/ca-certificates/mturk-gateway.crt"
_FEDORA = "/etc/pki/ca-trust/source/anchors/mturk-gateway.pem"
_SUSE = "/etc/pki/trust/anchors/mturk-gateway.pem"
_ARCH = "/etc/ca-certificates/trust-source/anchors/mturk-gateway.pem"
_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"

SYSTEMS = {
    "debian": System(
        "Debian, Ubuntu, Alpine and the like",
        (_COPY + _DEBIAN, "sudo update-ca-certificates"),
        _DEBIAN,
        _BUNDLE,
    ),
    "fedora": System(
        "Fedora, RHEL, CentOS, Amazon Linux and the like",
        (_COPY + _FEDORA, "sudo update-ca-trust"),
        _FEDORA,
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    ),
    "suse": System(
        "SUSE and openSUSE",
        (_COPY + _SUSE, "sudo update-ca-certificates"),
        _SUSE,
        "/etc/ssl/ca-bundle.pem",
    ),
    "arch": System("Arch Linux and the like", (_COPY + _ARCH, "sudo update-ca-trust"), _ARCH, _BUNDLE),
    "macos": System(
        "macOS",
        ("sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain {file}",),
    ),
    "windows": System(
        "Windows, in a terminal of an administrator",
        ("certutil -addstore -f Root {file}",),
        hosts_file=r"C:\Windows\System32\drivers\etc\hosts",
        environment="setx {name} {value}",
    ),
    "other": System(
        "a system that is not known here",
        ("(add {file} to the trusted authorities, as its manual says)",),
    ),
}
"""By the names that people may ask for."""

_FAMILIES = {
    "debian": "debian",
    "ubuntu": "debian",
    "alpine": "debian",
    "fedora": "fedora",
    "rhel": "fedora",
    "centos": "fedora",
    "amzn": "fedora",
    "suse": "suse",
    "opensuse": "suse",
    "sles": "suse",
    "arch": "arch",
}


def this_system() -> str:
    """The name in `SYSTEMS` of the system that this runs on."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    return system_named(platform.system(), release)


def system_named(kernel: str, release: Mapping[str, str]) -> str:
    """The name in `SYSTEMS` for what `platform.system()` says and, of a Linux, the fields of os-release."""
    if kernel in ("Darwin", "Windows"):
        return "macos" if kernel == "Darwin" else "windows"
    for name in (release.get("ID", ""), *release.get("ID_LIKE", "").split()):
        if name in _FAMILIES:
            return _FAMILIES[name]
    return "other"
