"""Certificates for Amazon's old host names: made, served, and told of."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import stat
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from mturk_gateway.__main__ import main
from mturk_gateway.clock import wall_clock
from mturk_gateway.credentials import read_profiles
from mturk_gateway.front import send_document
from mturk_gateway.listener import Server, bind, server_config
from mturk_gateway.settings import Settings, SettingsError
from mturk_gateway.tls.authority import make_certificates
from mturk_gateway.tls.checking import check_certificate
from mturk_gateway.tls.files import TlsError, TlsFiles
from mturk_gateway.tls.hosts import AMAZON_HOSTS
from mturk_gateway.tls.systems import SYSTEMS, system_named
from names import amazon_at, show_both_realms
from support import served

DAY = 86_400.0


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What a first `tls init` leaves, now."""
    made = TlsFiles(tmp_path_factory.mktemp("made") / "tls")
    make_certificates(made, AMAZON_HOSTS, wall_clock())
    return made


@pytest.fixture
def copied(files, tmp_path):
    """The same, for a test that changes it; its data folder is `tmp_path`."""
    shutil.copytree(files.folder, tmp_path / "tls")
    return TlsFiles(tmp_path / "tls")


def run(*words):
    return CliRunner().invoke(main, ["tls", *map(str, words)])


def certificate(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def verified(files, chain, host):
    """What openssl says of a chain, for a client that trusts the authority."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl to ask")
    words = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", host]
    trust = ["-CAfile", files.authority, "-untrusted", chain]
    done = subprocess.run([*words, *trust, chain], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_the_certificate_is_good_for_each_of_amazons_names(files):
    for host in AMAZON_HOSTS:
        assert verified(files, files.certificate, host) == f"{files.certificate}: OK\n"


def test_nobody_can_sign_for_another_name_with_what_is_on_the_disk(files, tmp_path):
    """Whoever trusts the authority need not trust those who read its folder with the rest of the web."""
    signer = load_pem_private_key(files.signer_key.read_bytes(), None)
    key = generate_private_key(65537, 2048)
    forged = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(certificate(files.signer).subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("google.com")]), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    chain = tmp_path / "chain.pem"
    chain.write_text(forged.public_bytes(Encoding.PEM).decode() + files.signer.read_text())

    assert "permitted subtree violation" in verified(files, chain, "google.com")
    # Java does not look at the constraints of what it is told to trust: that key must not be there at all.
    trusted = certificate(files.authority).public_key()
    keys = [load_pem_private_key(file.read_bytes(), None) for file in files.folder.glob("*.key")]
    assert len(keys) == 2
    assert trusted not in [key.public_key() for key in keys]


def test_keys_are_for_their_owner_and_the_authority_for_everybody(files):
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in files.folder.iterdir()}

    assert modes == {
        "authority.pem": 0o644,
        "signer.pem": 0o644,
        "signer.key": 0o600,
        "server.pem": 0o644,
        "server.key": 0o600,
    }


def test_what_old_clients_cannot_read_is_not_in_the_certificate(files):
    """OpenSSL 1.0.1 refuses addresses under constraints, macOS what is good for long; some have no elliptic curves."""
    made = certificate(files.certificate)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.DNSName) == list(AMAZON_HOSTS)
    assert names.get_values_for_type(x509.IPAddress) == []
    assert made.not_valid_after_utc - made.not_valid_before_utc < timedelta(days=825)
    assert made.public_key().key_size == 2048
    assert made.signature_hash_algorithm.name == "sha256"


def test_a_second_run_keeps_the_authority_that_people_have_installed(copied, tmp_path):
    before, served_before = copied.authority.read_bytes(), copied.certificate.read_bytes()
    said = run("init", "--data", tmp_path)

    assert said.exit_code == 0
    assert "the same as before" in said.output
    assert copied.authority.read_bytes() == before
    assert copied.certificate.read_bytes() != served_before
    assert verified(copied, copied.certificate, AMAZON_HOSTS[0]).endswith("OK\n")


def test_a_further_name_needs_another_authority_and_that_must_be_asked_for(copied, tmp_path):
    before = {file: file.read_bytes() for file in copied.folder.iterdir()}
    refused = run("init", "--data", tmp_path, "--name", "turk.example.org")

    assert refused.exit_code == 1
    assert "--new-authority" in refused.output
    assert {file: file.read_bytes() for file in copied.folder.iterdir()} == before

    made = run("init", "--data", tmp_path, "--name", "turk.example.org", "--new-authority")

    assert made.exit_code == 0
    assert copied.authority.read_bytes() != before[copied.authority]
    assert verified(copied, copied.certificate, "turk.example.org").endswith("OK\n")
    # The next renewal is for the same names.
    assert run("init", "--data", tmp_path).exit_code == 0
    assert verified(copied, copied.certificate, "turk.example.org").endswith("OK\n")


@pytest.mark.parametrize("name", ["127.0.0.1", "*.example.org", "example.org/", "exa mple.org", "a" * 64 + ".org", ""])
def test_what_is_no_host_name_is_refused_before_anything_is_made(tmp_path, name):
    said = run("init", "--data", tmp_path, "--name", name)

    assert said.exit_code == 1
    assert "not a host name" in said.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("spoilt", "content"),
    [
        ("signer.pem", None),
        ("signer.key", None),
        *((name, "?") for name in ("signer.pem", "signer.key", "authority.pem")),
    ],
)
def test_a_broken_authority_is_never_replaced_in_silence(copied, spoilt, content):
    file = copied.folder / spoilt
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    with pytest.raises(TlsError, match="--new-authority"):
        make_certificates(copied, AMAZON_HOSTS, wall_clock())

    assert (file.read_text() if file.exists() else None) == content


def test_the_certificate_never_outlives_the_authority_and_an_ended_authority_is_said(copied):
    late = make_certificates(copied, AMAZON_HOSTS, wall_clock() + 3_640 * DAY)

    assert late.certificate_end == late.authority_end == certificate(copied.authority).not_valid_after_utc
    with pytest.raises(TlsError, match=r"authority\.pem ended on"):
        make_certificates(copied, AMAZON_HOSTS, wall_clock() + 3_651 * DAY)


def test_a_certificate_is_checked_before_it_is_served(files, copied):
    def checked(days=0.0, certificate=files.certificate, key=files.key):
        return check_certificate(certificate, key, wall_clock() + days * DAY)

    assert checked() is None
    assert checked(789) is None
    assert "ends on" in checked(791)
    for days, words in ((821, "ended on"), (-2, "clock")):
        with pytest.raises(TlsError, match=words):
            checked(days)
    with pytest.raises(TlsError, match="does not belong"):
        checked(key=files.signer_key)
    with pytest.raises(TlsError, match="tls init"):
        checked(certificate=Path("/nowhere/server.pem"))
    copied.key.write_text("nonsense")
    with pytest.raises(TlsError, match="not a private key"):
        checked(certificate=copied.certificate, key=copied.key)


def test_serve_says_what_is_missing(tmp_path):
    said = CliRunner().invoke(main, ["serve", "--tls", "--data", str(tmp_path / "data")])

    assert said.exit_code == 1
    assert "mturk-gateway tls init" in said.output


def test_two_certificates_contradict_each_other(tmp_path):
    with pytest.raises(SettingsError, match="tls_certificate"):
        Settings(data=tmp_path, tls=True, tls_certificate=Path("a"), tls_key=Path("b"))


def test_other_machines_may_come_by_tls(tmp_path):
    settings = Settings(data=tmp_path, tls=True, host="0.0.0.0")  # noqa: S104

    assert settings.exposed
    assert settings.own_address == "https://127.0.0.1:8080"


def test_a_port_that_is_not_for_everybody_is_said_in_words(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    # Root may listen anywhere.
    monkeypatch.setattr(socket.socket, "bind", refuse)
    said = CliRunner().invoke(main, ["serve", "--port", "443", "--data", str(tmp_path / "data")])

    assert said.exit_code == 1
    assert "port 443" in said.output
    assert "CAP_NET_BIND_SERVICE" in said.output


@pytest.fixture(scope="module")
def tls_gateway(files, tmp_path_factory):
    """A gateway's address, its authority and its requester."""
    data = tmp_path_factory.mktemp("served") / "data"
    data.mkdir(0o700)
    shutil.copytree(files.folder, data / "tls")
    CliRunner().invoke(main, ["requester", "add", "lab", "--data", str(data)])
    with served(data, "--tls") as (_, url):
        yield urlsplit(url), files.authority, read_profiles(data / "credentials")[0]


@pytest.mark.filterwarnings("ignore:ssl:DeprecationWarning", "ignore:unclosed <ssl:ResourceWarning")
def test_programs_with_amazons_names_in_them_run_unchanged(tls_gateway, tmp_path, collected):
    address, authority, requester = tls_gateway
    with amazon_at(address.port):
        show_both_realms(requester, authority, tmp_path)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", [AMAZON_HOSTS[0], None])
def test_clients_since_2012_are_spoken_with_whether_or_not_they_say_the_name(tls_gateway, version, name):
    address, authority, _ = tls_gateway
    context = ssl.create_default_context(cafile=authority)
    context.minimum_version = context.maximum_version = version
    context.check_hostname = False
    # What Java 7 and OpenSSL 1.0.1 have in common.
    context.set_ciphers("ECDHE-RSA-AES128-SHA256")
    with (
        socket.create_connection((address.hostname, address.port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname=name) as wrapped,
    ):
        names = {value for _, value in wrapped.getpeercert()["subjectAltName"]}

    assert names == set(AMAZON_HOSTS)


def test_tls_before_1_2_is_not_spoken(tls_gateway):
    address, authority, _ = tls_gateway
    context = ssl.create_default_context(cafile=authority)
    context.check_hostname = False
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection((address.hostname, address.port), timeout=30) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain)


def test_who_does_not_go_on_with_the_handshake_is_let_go(files):
    async def answer(scope, receive, send):
        await send_document(send, 200, b"done")

    given = {"ssl_certfile": files.certificate, "ssl_keyfile": files.key}
    server = Server(server_config(answer, lifespan="off", **given), handshake=1.0)
    with bind("127.0.0.1", 0) as bound, socket.create_connection(bound.getsockname(), timeout=30) as silent:
        running = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        running.start()
        try:
            with httpx.Client(verify=False, trust_env=False) as client:
                assert client.get(f"https://127.0.0.1:{bound.getsockname()[1]}/").content == b"done"
            assert silent.recv(1) == b""
        finally:
            server.end()
            running.join()


CLIENTS = """
    boto psiTurk Dallinger mturk-api rturk ruby-aws MTurkR Net::Amazon::MechanicalTurk java-aws-mturk goamz
    php-mturk-api Mechanical-Turk-PHP-SDK PHP-Mechanical-Turk mechanical-turk boto3 aws-cli
"""


def test_every_client_and_every_system_is_advised(files):
    """Each known client is told of on each system, with the system's own files and nothing left open."""
    data = files.folder.parent
    every = {system: run("advice", "--data", data, "--system", system).output for system in SYSTEMS}

    for output in every.values():
        for client in CLIENTS.split():
            assert re.search(rf"^(.*, )?{re.escape(client)}\b.*:$", output, re.MULTILINE), client
        assert f"127.0.0.1 {' '.join(AMAZON_HOSTS)}\n" in output
        assert str(files.authority) in output
        assert "{" not in output
    assert "update-ca-certificates" in every["debian"]
    assert "ca_certificates_file = /etc/ssl/certs/ca-certificates.crt" in every["debian"]
    assert "update-ca-trust" in every["fedora"]
    assert "security add-trusted-cert" in every["macos"]
    assert "certutil -addstore" in every["windows"]
    assert "setx AWS_CA_BUNDLE" in every["windows"]
    assert r"drivers\etc\hosts" in every["windows"]


def test_one_client_can_be_asked_for(files):
    said = run("advice", "--data", files.folder.parent, "--client", "perl")
    assert said.exit_code == 1
    assert "Net::Amazon::MechanicalTurk" in said.output

    said = run("advice", "--data", files.folder.parent, "--client", "PSITURK", "--address", "10.0.0.5")
    assert "10.0.0.5 mechanicalturk.amazonaws.com" in said.output
    assert "ca_certificates_file" in said.output
    assert "NODE_EXTRA_CA_CERTS" not in said.output


def test_advice_without_certificates_says_how_they_are_made(tmp_path):
    said = run("advice", "--data", tmp_path)

    assert said.exit_code == 1
    assert "mturk-gateway tls init" in said.output


@pytest.mark.parametrize(
    ("kernel", "release", "system"),
    [
        ("Linux", {"ID": "debian"}, "debian"),
        ("Linux", {"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "debian"),
        ("Linux", {"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "fedora"),
        ("Linux", {"ID": "amzn", "ID_LIKE": "fedora"}, "fedora"),
        ("Linux", {"ID": "opensuse-leap", "ID_LIKE": "suse opensuse"}, "suse"),
        ("Linux", {"ID": "manjaro", "ID_LIKE": "arch"}, "arch"),
        ("Linux", {"ID": "nixos"}, "other"),
        ("Linux", {}, "other"),
        ("Darwin", {}, "macos"),
        ("Windows", {}, "windows"),
        ("FreeBSD", {}, "other"),
    ],
)
def test_the_system_at_hand_is_recognised(kernel, release, system):
    assert system_named(kernel, release) == system
