"""Access key → requester and secret, from AWS shared credentials files: each profile with static keys is one."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Sequence
from configparser import ConfigParser, Error, SectionProxy
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from structlog import get_logger

log = get_logger()


class CredentialsError(ValueError):
    """A credentials file cannot be read; the text is for the person who wrote it."""


@dataclass(frozen=True)
class Requester:
    """Who a request comes from. `clock_skew` in seconds; None where the profile leaves it to the settings.

    `sandbox` says that it is about the sandbox: always for the keys of a profile that is marked so, and for those of
    any other, as a `guest`, when it came to a host of the sandbox.
    """

    profile: str
    access_key: str
    secret: str
    session_token: str | None = None
    region: str = "us-east-1"
    endpoint_url: str | None = None
    sandbox: bool = False
    clock_skew: int | None = None
    guest: bool = False

    @property
    def account(self) -> str:
        """Names what is the requester's own: listings, writes, undertakings. Each realm has an account for it.

        It is that of the profile, whose keys may change.
        """
        return self.profile + _GUEST if self.guest else self.profile

    def in_sandbox(self) -> Requester:
        """The same requester in the sandbox."""
        return self if self.sandbox else replace(self, sandbox=True, guest=True)


DEMO = "demo"
"""The profile of the demonstration requester of our own marketplace, whose keys stand in logs and on screens."""

NOBODY = Requester("", "", "")
"""Who asks without any credentials, where that is allowed."""

_GUEST = "\nsandbox"
"""No profile's name has a line break."""


def shared_credentials_path() -> Path:
    """Where the AWS tools look for the file."""
    return Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials").expanduser()


def read_profiles(path: Path) -> tuple[Requester, ...]:
    """The requesters of a credentials file, in its order: its profiles with static keys. A missing file has none.

    Raises CredentialsError.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialsError(f"{path}: {error}") from None
    parser = _parser()
    try:
        parser.read_string(text)
        return tuple(
            _requester(name, parser[name])
            for name in parser.sections()
            if parser[name].get("aws_access_key_id") and parser[name].get("aws_secret_access_key")
        )
    except (Error, ValueError) as error:
        # The parser's own message quotes lines, and a line may be a secret.
        raise CredentialsError(f"{path}: not a credentials file ({type(error).__name__})") from None


def _parser() -> ConfigParser:
    return ConfigParser(interpolation=None, strict=False, default_section="\0")


def _requester(name: str, profile: SectionProxy) -> Requester:
    return Requester(
        profile=name,
        access_key=profile["aws_access_key_id"].strip(),
        secret=profile["aws_secret_access_key"].strip(),
        session_token=profile.get("aws_session_token"),
        region=profile.get("region") or "us-east-1",
        endpoint_url=profile.get("endpoint_url"),
        sandbox=profile.getboolean("mturk_gateway_sandbox", fallback=False),
        clock_skew=profile.getint("mturk_gateway_clock_skew", fallback=None),
    )


def write_profile(path: Path, requester: Requester) -> None:
    """Add a profile to a credentials file, or change its keys there; what else it says stays. Comments do not.

    Only the owner may read the file. Several programs may write it at the same time.
    """
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        parser = _parser()
        if path.exists():
            parser.read_string(path.read_text(encoding="utf-8"))
        if not parser.has_section(requester.profile):
            parser.add_section(requester.profile)
        profile = parser[requester.profile]
        profile["aws_access_key_id"] = requester.access_key
        profile["aws_secret_access_key"] = requester.secret
        profile["region"] = requester.region
        if requester.sandbox:
            profile["mturk_gateway_sandbox"] = "true"
        if requester.clock_skew is not None:
            profile["mturk_gateway_clock_skew"] = str(requester.clock_skew)
        fresh = path.with_name(f".{path.name}.new")
        fresh.touch(mode=0o600)
        with fresh.open("w", encoding="utf-8") as stream:
            parser.write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)


_GLANCE = 0.05
"""Seconds between two looks whether the file has changed."""


class Keyring:
    """The requesters of one credentials file by access key, for any thread; a changed file is read again.

    The profile `without` is nobody's.
    """

    def __init__(self, path: Path, without: str | None = None) -> None:
        self._path = path
        self._without = without
        self._looked_at = 0.0
        self._looking = Lock()
        self._seen: tuple[int, int] | None = None
        self._requesters: dict[str, Requester] = {}
        self._profiles: dict[str, Requester] = {}
        self._take(read_profiles(path))

    def find(self, access_key: str) -> Requester | None:
        """The requester who owns a key, as the file has it now, or had it a moment ago if it had the key."""
        if access_key not in self._requesters:
            self._look()
        self._look_again()
        return self._requesters.get(access_key)

    def find_account(self, account: str) -> Requester | None:
        """The requester whose account this is, in the realm that it is of."""
        profile = account.removesuffix(_GUEST)
        if profile not in self._profiles:
            self._look()
        self._look_again()
        requester = self._profiles.get(profile)
        return requester.in_sandbox() if requester and account.endswith(_GUEST) else requester

    def _look_again(self) -> None:
        now = time.monotonic()
        if now - self._looked_at >= _GLANCE:
            self._looked_at = now
            self._look()

    def _look(self) -> None:
        # Whoever looks while another thread reads what is new must not go by what was there before.
        with self._looking:
            try:
                status = self._path.stat()
                seen = (status.st_mtime_ns, status.st_size)
            except OSError:
                seen = None
            if seen != self._seen:
                self._seen = seen
                try:
                    self._take(read_profiles(self._path))
                except CredentialsError as error:
                    # Requests go on with the keys that were good before; the next change of the file is tried again.
                    log.error("credentials unreadable", reason=str(error))

    def _take(self, requesters: Sequence[Requester]) -> None:
        requesters = [requester for requester in requesters if requester.profile != self._without]
        # Of several profiles with one key, the first counts.
        self._requesters = {requester.access_key: requester for requester in reversed(requesters)}
        self._profiles = {requester.profile: requester for requester in requesters}
