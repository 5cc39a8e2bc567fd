"""Backups of a gateway that is at work, and what is there after they are restored."""

from __future__ import annotations

import hashlib
import io
import json
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner

from mturk_gateway.__main__ import main
from mturk_gateway.backups.backup import BackupError, back_up, restore
from mturk_gateway.credentials import read_profiles
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.ledger.undertakings import Undertakings, Wish
from mturk_gateway.marketplace.services.working import workers
from mturk_gateway.settings import Settings
from mturk_gateway.temporary import temporary_folder
from support import PROPERTIES, ask, modern_client, one, texts
from walks import until

NOW = 1_700_000_000
WRITERS = 4


def command(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


class Writers:
    """Programs that write through a gateway until they are told to stop, and what was acknowledged to them.

    Each publishes HITs, has one assignment of every other one done, and pays a bonus for it.
    """

    def __init__(self, gateway, requester):
        self.gateway = gateway
        self.requester = requester
        self.acknowledged = []
        self.failed = []
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        until(lambda: self.failed or len(self.acknowledged) >= 3 * WRITERS)
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _write(self, writer):
        try:
            with modern_client(self.gateway.url, self.requester) as modern:
                for turn in range(1000):
                    if self._stopping.is_set():
                        return
                    self._one(modern, f"{writer}-{turn}")
        except Exception as error:  # noqa: BLE001  # told by the test, which is in another thread
            self.failed.append(error)

    def _one(self, modern, token):
        made = modern.create_hit(**PROPERTIES, MaxAssignments=2, UniqueRequestToken=token)["HIT"]
        self.acknowledged.append(("hit", token, made["HITId"]))
        with self.gateway.house.marketplace.writing() as connection:
            now = int(time.time())
            assignment = workers.accept(connection, made["HITId"], f"A{token.replace('-', 'X')}", now)
            workers.submit(connection, assignment, [("dots", "7")], now)
        modern.approve_assignment(AssignmentId=assignment)
        self.acknowledged.append(("approved", token, assignment))
        ask(self.gateway.url, self.requester, "ExtendHIT", HITId=made["HITId"], MaxAssignmentsIncrement=1)
        self.acknowledged.append(("extended", token, made["HITId"]))


@pytest.fixture(scope="module")
def restored(tmp_path_factory):
    """A gateway is backed up while many write; then another one answers from what was restored."""
    folder = tmp_path_factory.mktemp("backup")
    data = folder / "data"
    with EmbeddedGateway(Settings(data=data)) as gateway:
        lab = gateway.add_requester("lab")
        (data / "tls").mkdir(mode=0o700)
        (data / "tls" / "server.key").write_text("a key")
        (data / "scrubbing.key").write_bytes(b"k" * 32)
        with Writers(gateway, lab) as writers:
            before = list(writers.acknowledged)
            manifest = back_up(data, folder / "backup.tar.gz", NOW)
            until(lambda: writers.failed or len(writers.acknowledged) > len(before) + WRITERS)
        assert writers.failed == []
    restore(folder / "backup.tar.gz", folder / "elsewhere")
    with EmbeddedGateway(Settings(data=folder / "elsewhere")) as gateway:
        yield gateway, lab, before, manifest


def test_every_write_that_was_acknowledged_before_the_backup_began_is_there(restored):
    gateway, lab, before, _ = restored
    with modern_client(gateway.url, lab) as modern:
        for kind, _token, identifier in before:
            if kind == "approved":
                found = modern.get_assignment(AssignmentId=identifier)["Assignment"]
                assert found["AssignmentStatus"] == "Approved"
            else:
                assert modern.get_hit(HITId=identifier)["HIT"]["MaxAssignments"] >= 2 + (kind == "extended")
    listed = set()
    total = int(one(ask(gateway.url, lab, "SearchHITs", PageSize=1), "TotalNumResults"))
    for page in range(1, total // 10 + 2):
        listed |= {*texts(ask(gateway.url, lab, "SearchHITs", PageSize=10, PageNumber=page), "HITId")}
    assert len(listed) == total
    assert listed >= {identifier for kind, _, identifier in before if kind == "hit"}


def test_the_books_of_what_was_restored_add_up(restored):
    gateway, _, before, _ = restored
    with closing(sqlite3.connect(gateway.settings.data / "marketplace.db")) as connection:
        moved = "SELECT {side}, SUM(amount) FROM transfers GROUP BY 1"
        balances = dict(connection.execute("SELECT kind, SUM(balance) FROM accounts GROUP BY kind"))
        into = dict(connection.execute(moved.format(side="destination")))
        out_of = dict(connection.execute(moved.format(side="source")))
        approved, held = connection.execute(
            "SELECT SUM(approved), SUM(max_assignments - approved - rejected) FROM hits"
        ).fetchone()
    assert sum(balances.values()) == 0
    assert {kind: into.get(kind, 0) - out_of.get(kind, 0) for kind in balances} == balances
    assert balances["earned"] == 5 * approved
    assert balances["held"] == 5 * held
    assert approved >= sum(kind == "approved" for kind, _, _ in before)


def test_what_goes_on_after_a_restore_takes_nothing_twice(restored):
    """Tokens are known, new HITs are new, and the requester's keys are what they were."""
    gateway, lab, before, _ = restored
    (kept,) = read_profiles(gateway.settings.data / "credentials")
    assert (kept.access_key, kept.secret) == (lab.access_key, lab.secret)
    _, token, identifier = before[0]
    with modern_client(gateway.url, lab) as modern:
        with pytest.raises(modern.exceptions.RequestError, match=identifier):
            modern.create_hit(**PROPERTIES, MaxAssignments=2, UniqueRequestToken=token)
        total = one(ask(gateway.url, lab, "SearchHITs", PageSize=1), "TotalNumResults")
        made = modern.create_hit(**PROPERTIES)["HIT"]["HITId"]
    found = ask(gateway.url, lab, "SearchHITs", SortProperty="CreationTime", SortDirection="Descending", PageSize=1)
    assert one(found, "HITId") == made
    assert int(one(found, "TotalNumResults")) == int(total) + 1


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_an_unchanged_boto_2_script_runs_on_what_was_restored(restored, collected):
    boto2 = pytest.importorskip("clients.boto2")
    gateway, lab, _, _ = restored
    connection = boto2.connect(gateway, lab)
    created = connection.create_hit(question=boto2.QUESTION, **boto2.PROPERTIES)[0].HITId
    assert connection.get_hit(created)[0].HITStatus == "Assignable"
    connection.disable_hit(created)
    assert created not in {hit.HITId for hit in connection.search_hits(page_size=100)}


def test_a_backup_has_what_lasts_and_a_restored_folder_is_its_owners_alone(restored):
    gateway, *_, manifest = restored
    data = gateway.settings.data
    assert {*manifest.files} == {
        *("credentials", "ledger.db", "marketplace.db", "scrubbing.key", "tls/server.key"),
    }
    assert manifest.databases == {"ledger.db": "0004", "marketplace.db": "0004"}
    assert manifest.moment == "2023-11-14T22:13:20+00:00"
    assert (data / "tls" / "server.key").read_text() == "a key"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (data, *data.rglob("*"))}
    assert modes["tls"] == modes["elsewhere"] == 0o700
    assert {modes[name.rpartition("/")[2]] for name in manifest.files} == {0o600}


def test_a_promise_of_the_moment_of_the_backup_is_kept_after_a_restore(tmp_path):
    """What was planned, and of which nothing or a part had been done, is carried out by the restored gateway."""
    with EmbeddedGateway(Settings(data=tmp_path / "data")) as gateway:
        lab = gateway.add_requester("lab")
        with modern_client(gateway.url, lab) as modern:
            made = modern.create_hit(**PROPERTIES)["HIT"]["HITId"]
        undertakings = Undertakings(gateway.house.ledger, lease=600)
        promise = undertakings.claim(lab.account, Wish("DisableHIT", "n", "k", made, token=False), "r")
        undertakings.keep(promise, {"HITId": made})
        back_up(tmp_path / "data", tmp_path / "backup", NOW)
    restore(tmp_path / "backup", tmp_path / "elsewhere")
    settings = Settings(data=tmp_path / "elsewhere")
    with EmbeddedGateway(settings) as gateway, modern_client(gateway.url, lab) as modern:
        # As `serve` does when it begins.
        Undertakings(gateway.house.ledger, lease=600).release()
        until(lambda: modern.get_hit(HITId=made)["HIT"]["HITStatus"] == "Disposed")


def test_no_promise_is_made_or_ended_between_the_moments_of_the_two_databases(tmp_path, monkeypatch):
    """The ledger cannot be written while the marketplace's moment is chosen."""
    with EmbeddedGateway(Settings(data=tmp_path / "data")) as gateway:
        gateway.add_requester("lab")
        tried = []
        connect = sqlite3.connect

        class Watched(sqlite3.Connection):
            def execute(self, statement, *given):
                if statement == "SELECT 1 FROM sqlite_master":
                    with closing(connect(tmp_path / "data" / "ledger.db", timeout=0)) as other:
                        try:
                            other.execute("BEGIN IMMEDIATE")
                        except sqlite3.OperationalError as error:
                            tried.append(str(error))
                return super().execute(statement, *given)

        monkeypatch.setattr(sqlite3, "connect", lambda *given, **named: connect(*given, **named, factory=Watched))
        back_up(tmp_path / "data", tmp_path / "backup", NOW)
        monkeypatch.undo()
    assert tried == ["database is locked"] * 2


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A data folder that nobody uses, and a backup of it."""
    folder = tmp_path_factory.mktemp("small")
    with EmbeddedGateway(Settings(data=folder / "data")) as gateway:
        gateway.add_requester("lab")
    back_up(folder / "data", folder / "backup", NOW)
    return folder


def test_the_commands_say_in_a_line_what_they_did(tmp_path, small, monkeypatch):
    # It would stand back for ever after, and the tests with it.
    monkeypatch.setattr("os.nice", lambda _: 0)
    made = command("backup", tmp_path, "--data", small / "data")
    assert made.exit_code == 0, made.output
    (file,) = tmp_path.iterdir()
    assert file.match("mturk-gateway-2*T*Z.tar.gz")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert made.output.startswith(f"{file}: ")
    assert made.output.count("\n") == 1

    done = command("restore", file, "--data", tmp_path / "new" / "data")
    assert done.exit_code == 0, done.output
    assert done.output.startswith(f"{tmp_path / 'new' / 'data'}: credentials, ledger.db, marketplace.db as of ")
    assert {path.name for path in (tmp_path / "new" / "data").iterdir()} == {
        "credentials",
        "ledger.db",
        "marketplace.db",
    }


@pytest.mark.parametrize(
    ("what", "said"),
    [("nowhere", "it has no ledger.db"), ("damaged", "damaged|malformed|not a database")],
)
def test_what_cannot_be_backed_up_is_said_and_leaves_nothing(tmp_path, small, what, said):
    data = tmp_path / "data"
    if what == "damaged":
        shutil.copytree(small / "data", data)
        content = bytearray((data / "marketplace.db").read_bytes())
        content[8192:40_960] = b"\xff" * 32_768
        (data / "marketplace.db").write_bytes(content)
    (tmp_path / "backups").mkdir()
    with pytest.raises(BackupError, match=said):
        back_up(data, tmp_path / "backups" / "backup", NOW)
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_full_disk_leaves_the_last_backup_as_it_was(tmp_path, small):
    shutil.copy(small / "backup", tmp_path / "backup")
    words = [sys.executable, "-m", "mturk_gateway", "backup", tmp_path / "backup", "--data", small / "data"]

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = subprocess.run(words, capture_output=True, text=True, check=False, preexec_fn=limit)
    assert done.returncode == 1
    assert "no backup was made" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["backup"]
    assert (tmp_path / "backup").read_bytes() == (small / "backup").read_bytes()


def test_what_a_killed_backup_left_is_removed_by_the_next_one(tmp_path, small):
    words = [sys.executable, "-m", "mturk_gateway", "backup", tmp_path, "--data", small / "data"]
    with closing(sqlite3.connect(small / "data" / "ledger.db", isolation_level=None)) as busy:
        # It has begun, and waits for its moment.
        busy.execute("BEGIN IMMEDIATE")
        with subprocess.Popen(words) as killed:
            until(lambda: list(tmp_path.glob(".mturk-gateway-backup-*/lock")))
            killed.kill()
    assert len(list(tmp_path.iterdir())) == 1

    back_up(small / "data", tmp_path / "backup", NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["backup"]
    with temporary_folder(tmp_path, ".mturk-gateway-backup-") as anothers:
        back_up(small / "data", tmp_path / "backup", NOW)
        assert anothers.exists()


def test_a_folder_that_has_something_in_it_is_not_restored_into(tmp_path, small):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(BackupError, match="not empty"):
        restore(small / "backup", tmp_path)
    with pytest.raises(BackupError, match="not empty"):
        restore(small / "backup", small / "data")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_what_a_restore_left_that_was_killed_is_no_hindrance(tmp_path, small):
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data" / ".restoring").mkdir()
    (tmp_path / "data" / ".restoring" / "ledger.db").write_bytes(b"half")
    restore(small / "backup", tmp_path / "data")
    assert not (tmp_path / "data" / ".restoring").exists()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def rewritten(original, target, change):
    """A backup in which the members, by name, have been changed."""
    with tarfile.open(original) as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}
    added = change(members) or []
    with tarfile.open(target, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in added:
            tar.addfile(info)


def listed(members, name, content):
    """Put a file into a backup, and its name into the list."""
    manifest = json.loads(members["manifest.json"])
    manifest["files"][name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    members["manifest.json"] = json.dumps(manifest).encode()
    members[name] = content


def newer_format(members):
    members["manifest.json"] = members["manifest.json"].replace(b'"format": 1', b'"format": 2')


def newer_schema(members):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        path.write_bytes(members["ledger.db"])
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        listed(members, "ledger.db", path.read_bytes())


def link(_members):
    info = tarfile.TarInfo("tls/link")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return [info]


ENDLESS = b'{"format": 1, "files": {"ledger.db": {"size": 1e999, "sha256": ""}}}'
BAD = {
    "another byte": (lambda m: m.update({"ledger.db": m["ledger.db"][:-1] + b"!"}), "it is not what was backed up"),
    "more bytes": (lambda m: m.update({"ledger.db": m["ledger.db"] + b"!"}), "of another size"),
    "a file less": (lambda m: m.pop("marketplace.db") and None, "marketplace.db is missing"),
    "a file more": (lambda m: m.update({"tls/x": b"x"}), "its list does not name"),
    "no list": (lambda m: m.pop("manifest.json") and None, "does not begin with manifest.json"),
    "no good list": (lambda m: m.update({"manifest.json": b"[]"}), "says nothing of use"),
    "a deep list": (lambda m: m.update({"manifest.json": b"[" * 100_000}), "says nothing of use"),
    "an endless file": (lambda m: m.update({"manifest.json": ENDLESS}), "says nothing of use"),
    "outside": (lambda m: listed(m, "../outside", b"x"), "no backup of this program"),
    "absolute": (lambda m: listed(m, "/tmp/outside", b"x"), "no backup of this program"),  # noqa: S108
    "through tls": (lambda m: listed(m, "tls/../../outside", b"x"), "no backup of this program"),
    "link": (link, "is no file"),
    "newer program": (newer_format, "a newer program made it"),
    "newer database": (newer_schema, "has version 9999.*a newer one wrote it"),
    "no database": (lambda m: listed(m, "ledger.db", b"not a database" * 100), "not a database"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_archive_is_refused_in_words_and_leaves_nothing(tmp_path, small, kind):
    change, said = BAD[kind]
    rewritten(small / "backup", tmp_path / "backup", change)
    with pytest.raises(BackupError, match=said):
        restore(tmp_path / "backup", tmp_path / "parent" / "data")
    assert [path.name for path in tmp_path.rglob("*")] in (["backup"], ["backup", "parent"], ["parent", "backup"])


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9])
def test_half_an_archive_is_refused_and_leaves_nothing(tmp_path, small, part):
    content = (small / "backup").read_bytes()
    (tmp_path / "backup").write_bytes(content[: int(len(content) * part)])
    with pytest.raises(BackupError, match=r"damaged or incomplete|no backup of this program"):
        restore(tmp_path / "backup", tmp_path / "data")
    assert [path.name for path in tmp_path.iterdir()] == ["backup"]
