"""What the doctor finds, and that it leaves everything as it is."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mturk_gateway.__main__ import main
from mturk_gateway.admin import rotate_requester
from mturk_gateway.credentials import Requester, read_profiles, write_profile
from mturk_gateway.database import Database, sqlite_url
from mturk_gateway.doctor.certificates import check_certificates
from mturk_gateway.doctor.clocks import check_clocks
from mturk_gateway.doctor.dangers import check_dangers
from mturk_gateway.doctor.databases import check_databases
from mturk_gateway.doctor.examination import examine
from mturk_gateway.doctor.findings import Level
from mturk_gateway.doctor.folder import check_folder, file_system
from mturk_gateway.doctor.keys import check_keys
from mturk_gateway.doctor.listeners import check_listeners
from mturk_gateway.doctor.program import check_program
from mturk_gateway.doctor.reach import check_upstream
from mturk_gateway.doctor.space import check_space
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.settings import Settings
from mturk_gateway.tls.authority import make_certificates
from mturk_gateway.tls.files import TlsFiles
from support import ScriptedUpstream, free_port, served


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A data folder with one requester, which nobody uses."""
    data = tmp_path_factory.mktemp("doctor") / "data"
    with EmbeddedGateway(Settings(data=data)) as gateway:
        gateway.add_requester("lab")
    return data


@pytest.fixture
def settings(tmp_path, made):
    shutil.copytree(made, tmp_path / "data")
    ports = {name: free_port() for name in ("port", "content_port", "operators_port")}
    return Settings(data=tmp_path / "data", **ports)


def doctor(settings, *more):
    options = [f"--{name}={getattr(settings, name.replace('-', '_'))}" for name in ("data", "port", "content-port")]
    return CliRunner().invoke(main, ["doctor", *options, f"--operators-port={settings.operators_port}", *more])


def bad(findings):
    """What is not well, with its remedies, as one text."""
    return "\n".join(f"{found.level}: {found.text} {found.remedy}" for found in findings if found.level is not Level.OK)


def content_of(folder):
    return {
        path.relative_to(folder): (
            path.stat().st_mtime_ns,
            path.is_file() and hashlib.sha256(path.read_bytes()).digest(),
        )
        for path in (folder, *folder.rglob("*"))
    }


def test_nothing_is_wrong_with_a_data_folder_that_was_just_made(settings):
    done = doctor(settings)
    assert done.exit_code == 0, done.output
    assert "problem" not in done.output
    assert all(
        line.startswith(("ok  ", "warning  settings", "warning  disk", "   ")) for line in done.output.splitlines()
    )
    assert read_profiles(settings.keys)[0].secret not in done.output


def test_it_changes_nothing_and_makes_nothing(settings, tmp_path):
    before = content_of(tmp_path)
    assert doctor(settings).exit_code == 0
    assert doctor(replace(settings, data=tmp_path / "not" / "there")).exit_code == 0
    assert content_of(tmp_path) == before


def test_it_can_be_asked_while_the_gateway_runs(tmp_path):
    options = f"--operators-port={(operators := free_port())}", f"--content-port={(content := free_port())}"
    with served(tmp_path / "data", *options) as (_, url):
        names = {path.name for path in (tmp_path / "data").iterdir()}
        settings = Settings(
            data=tmp_path / "data", port=int(url.rpartition(":")[2]), content_port=content, operators_port=operators
        )
        done = doctor(settings)
        assert {path.name for path in (tmp_path / "data").iterdir()} == names
    assert done.exit_code == 0, done.output
    assert done.output.count("is a gateway's") == 3
    assert done.output.count("is whole") == 2


def test_a_folder_that_is_open_to_others_or_no_folder_is_a_problem(settings, tmp_path):
    settings.data.chmod(0o755)
    assert bad(check_folder(settings)).endswith(f" chmod o-rwx {settings.data}")
    (tmp_path / "file").touch()
    assert "no folder" in bad(check_folder(replace(settings, data=tmp_path / "file")))
    assert "is not there" in bad(check_folder(replace(settings, data=tmp_path / "nowhere")))


def test_a_network_file_system_is_known_by_the_mount_that_is_nearest(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(
        f"21 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        f"22 21 0:5 / {tmp_path}/far\\040away rw,relatime shared:1 - nfs4 server:/x rw\n"
        f"23 21 0:6 / {tmp_path}/far\\040away/near rw - tmpfs none rw\n"
    )
    assert file_system(tmp_path / "data", mounts) == "ext4"
    assert file_system(tmp_path / "far away" / "data", mounts) == "nfs4"
    assert file_system(tmp_path / "far away" / "near" / "data", mounts) == "tmpfs"
    assert file_system(tmp_path, tmp_path / "none") is None


def test_a_disk_with_little_room_is_said(settings, monkeypatch):
    real = os.statvfs(settings.data)

    def disk(free):
        values = list(real)
        # f_bavail, in units of f_frsize.
        values[4] = free // real.f_frsize
        monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(values))
        return bad(check_space(settings))

    assert disk(2**40) == ""
    assert disk(2**30).startswith("warning")
    assert "--snapshot-space 512" in disk(2**30)
    assert disk(2**20).startswith("problem")


def test_damaged_and_newer_and_older_databases_are_told_apart(settings):
    assert bad(check_databases(settings)) == ""
    path = settings.data / "marketplace.db"
    content = bytearray(path.read_bytes())
    content[40_960:81_920] = b"\xff" * 40_960
    path.write_bytes(content)
    assert "problem" in bad(check_databases(settings))
    path.write_bytes(b"no database at all")
    assert "cannot be read" in bad(check_databases(settings))
    path.unlink()
    assert "begins with nothing in it" in bad(check_databases(settings))
    path.touch()
    assert re.fullmatch(
        r"warning: \S+ is empty: the next start begins with nothing in it .*", bad(check_databases(settings))
    )
    for version, said in (("9999", "problem: .* a newer one wrote it"), ("0003", "warning: .* brings it to 0004")):
        with closing(sqlite3.connect(settings.data / "ledger.db")) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
        assert re.search(said, bad(check_databases(settings)))


def test_writes_of_a_killed_gateway_are_read_and_left_where_they_are(settings):
    path = settings.data / "ledger.db"
    killed = (
        "import os, sqlite3, sys; connection = sqlite3.connect(sys.argv[1]);"
        "connection.execute(\"UPDATE alembic_version SET version_num = '9999'\"); connection.commit();"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", killed, path], check=False)
    before = content_of(settings.data)
    assert "9999" in bad(check_databases(settings))
    (settings.data / "ledger.db-shm").unlink()
    assert "taken in when the gateway starts" in bad(check_databases(settings))
    before.pop(next(path for path in before if path.name == "ledger.db-shm"))
    assert {name: hash_ for name, (_, hash_) in content_of(settings.data).items()} == {
        name: hash_ for name, (_, hash_) in before.items()
    }


def test_keys_that_file_and_marketplace_do_not_agree_about_are_named_and_secrets_are_not(settings):
    (lab,) = read_profiles(settings.keys)
    marketplace = Database(sqlite_url(settings.data / "marketplace.db"), durable=True)
    elsewhere = settings.data / "elsewhere"
    rotated = rotate_requester(marketplace, elsewhere, "lab", time.time())
    marketplace.close()
    said = bad(check_keys(settings))
    assert f"does not know the key {lab.access_key} of [lab]" in said
    assert f"the key {rotated.access_key} of 'lab' is in the marketplace and not in" in said

    write_profile(settings.keys, replace(rotated, secret="another-secret"))
    write_profile(settings.keys, replace(rotated, profile="double"))
    said = bad(check_keys(settings))
    assert "the secret of [lab] is another one" in said
    assert "several profiles (lab, double)" in said
    assert not any(secret in said for secret in (lab.secret, rotated.secret, "another-secret"))

    shutil.copy(elsewhere, settings.keys)
    assert bad(check_keys(settings)) == ""


def test_a_credentials_file_that_cannot_be_read_or_is_empty_is_said_without_its_content(settings):
    settings.keys.write_text("[lab\naws_secret_access_key = hidden\n")
    said = bad(check_keys(settings))
    assert "problem" in said
    assert "hidden" not in said
    settings.keys.unlink()
    assert "requester add" in bad(check_keys(settings))


def test_a_clock_that_went_backwards_is_noticed_by_what_was_written(settings, monkeypatch):
    assert bad(check_clocks(settings)) == ""
    monkeypatch.setattr("mturk_gateway.doctor.clocks.wall_clock", lambda: time.time() - 86_400)
    assert "went backwards" in bad(check_clocks(settings))


def test_a_certificate_that_clients_refuse_is_a_problem(settings, monkeypatch):
    secure = replace(settings, tls=True)
    assert "tls init" in bad(check_certificates(secure))
    files = TlsFiles(settings.data / "tls")
    make_certificates(files, ["turk.example.org"], time.time())
    assert "is not used" in bad(check_certificates(settings))
    assert bad(check_certificates(replace(settings, behind_proxy="127.0.0.1"))) == ""
    assert bad(check_certificates(secure)) == ""
    assert bad(check_certificates(replace(secure, public_url="https://turk.example.org"))) == ""
    assert "not for example.net" in bad(check_certificates(replace(secure, public_url="https://example.net")))
    own = replace(settings, tls_certificate=files.certificate, tls_key=files.signer_key)
    assert "does not belong to" in bad(check_certificates(own))
    monkeypatch.setattr("mturk_gateway.doctor.certificates.wall_clock", lambda: time.time() + 2000 * 86_400)
    assert "ended on" in bad(check_certificates(secure))


def test_a_certificate_of_somebody_else_is_for_its_names_and_brings_its_chain(settings, tmp_path):
    private = rsa.generate_private_key(65_537, 2048)
    (tmp_path / "key").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    now = datetime.now(UTC)
    built = x509.CertificateBuilder(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority")]),
        x509.Name([]),
        private.public_key(),
        x509.random_serial_number(),
        now - timedelta(days=1),
        now + timedelta(days=90),
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName("*.example.com")]), critical=True)
    alone = built.sign(private, hashes.SHA256()).public_bytes(Encoding.PEM)
    (tmp_path / "certificate").write_bytes(alone)
    own = replace(settings, tls_certificate=tmp_path / "certificate", tls_key=tmp_path / "key")
    assert "behind the server's own" in bad(check_certificates(own))
    (tmp_path / "certificate").write_bytes(alone * 2)
    assert bad(check_certificates(replace(own, public_url="https://turk.example.com:444"))) == ""
    assert "not for example.com" in bad(check_certificates(replace(own, public_url="https://example.com")))


def test_a_port_that_is_somebody_elses_and_an_address_that_is_nobodys_are_problems(settings):
    assert bad(check_listeners(settings)) == ""
    with socket.create_server(("127.0.0.1", settings.port)):
        assert f"port {settings.port} of 127.0.0.1 is somebody else's" in bad(check_listeners(settings))
    away = replace(settings, host="192.0.2.1", behind_proxy="10.0.0.2")
    assert "192.0.2.1 is no address of this machine" in bad(check_listeners(away))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"behind_proxy": "0.0.0.0/0"}, "a large part of the Internet is trusted"),
        ({"behind_proxy": "10.0.0.2", "key_rate": 0.0}, "rates are not limited"),
        ({"behind_proxy": "10.0.0.2"}, "--public-url"),
        ({"behind_proxy": "10.0.0.2", "operators_host": "0.0.0.0"}, "--operators-host"),  # noqa: S104
        ({"clock_skew": 86_400}, "sent again for 86400 s"),
        ({"record": "somewhere"}, "--scrub"),
        ({"data": "/tmp/data"}, "emptied"),  # noqa: S108
    ],
)
def test_settings_that_may_not_have_been_meant_are_named(changes, said):
    paths = {name: Path(value) for name, value in changes.items() if name in ("record", "data")}
    given = {"data": Path("/srv/data"), **changes, **paths}
    assert said in bad(check_dangers(Settings(**given)))


def test_settings_that_harm_nobody_are_not():
    found = check_dangers(Settings(data=Path("/srv/data")))
    assert [finding.text for finding in found] == ["only this machine can reach it"]


def answering(status, body, date=None):
    return ScriptedUpstream(lambda *_: (status, body), dict if date is None else lambda: {"Date": date})


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, {"AvailableBalance": "1.00"}, ""),
        (400, {"__type": "UnrecognizedClientException", "Message": "m"}, r"refuses the keys of [lab]"),
        (502, b"<html>", "gives no answer"),
    ],
)
def test_another_upstream_is_asked_with_the_keys_of_the_requesters(tmp_path, status, body, said):
    write_profile(tmp_path / "credentials", Requester("lab", "AKIDLAB", "lab-secret"))
    with answering(status, body) as upstream:
        settings = Settings(data=tmp_path, upstream=upstream.url, credentials=tmp_path / "credentials")
        found = bad(check_upstream(settings))
    assert said in found
    assert bool(said) == bool(found)
    assert {operation for operation, _ in upstream.calls} == {"GetAccountBalance"}


def test_a_clock_that_differs_from_the_upstreams_is_a_problem(tmp_path, monkeypatch):
    write_profile(tmp_path / "credentials", Requester("lab", "AKIDLAB", "lab-secret"))
    monkeypatch.setattr("mturk_gateway.doctor.reach.wall_clock", lambda: time.time() + 1000)
    with answering(200, {"AvailableBalance": "1.00"}) as upstream:
        settings = Settings(data=tmp_path, upstream=upstream.url, credentials=tmp_path / "credentials")
        said = bad(check_upstream(settings))
    assert "s ahead of that of" in said


def test_few_file_handles_are_a_warning(settings, monkeypatch):
    assert "ulimit" not in bad(check_program(settings))
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 1024))
    assert "ulimit -n 1024" in bad(check_program(settings))


def test_a_check_that_fails_itself_is_a_problem_and_the_others_go_on(settings, monkeypatch):
    def fails(_):
        raise OSError("secret")

    monkeypatch.setattr(os, "statvfs", fails)
    found = dict(examine(settings))
    assert found["disk"].level is Level.PROBLEM
    assert "secret" not in found["disk"].text
    assert "upstream" in found
    assert doctor(settings).exit_code == 1
