"""One typed table of settings: from it come the command line's options, the variables and the TOML keys."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import inf
from pathlib import Path
from typing import Any

from mturk_gateway.credentials import shared_credentials_path
from mturk_gateway.edge.addresses import Network, is_loopback, read_networks
from mturk_gateway.tls.files import TlsFiles

EMBEDDED = "embedded"
"""The value of `upstream` that means the marketplace of this program."""


class SettingsError(ValueError):
    """A setting cannot be read, or contradicts another one; the text is for the person who set it."""


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True)
class Settings:
    """Everything that can be set. A field's name is the TOML key; `--the-name` and `MTURK_GATEWAY_THE_NAME` follow."""

    host: str = _setting("127.0.0.1", "address to listen on")
    port: int = _setting(8080, "port to listen on")
    content_port: int = _setting(8081, "port of the origin on which requesters' own pages will be shown")
    operators_host: str = _setting("127.0.0.1", "address for operators: health and metrics, later reports")
    operators_port: int = _setting(8082, "port for operators")
    data: Path = _setting(Path("mturk-gateway-data"), "folder of the databases and of the requesters' keys")
    credentials: Path | None = _setting(
        None,
        "AWS shared credentials file whose profiles are requesters; new ones are imported by the embedded marketplace, "
        "default ~/.aws/credentials with another upstream",
    )
    upstream: str = _setting(EMBEDDED, "what does the work: `embedded`, or the URL of a modern MTurk endpoint")
    sandbox_upstream: str | None = _setting(
        None, "URL of the modern endpoint that requests to a host of the sandbox go to, with another upstream"
    )
    public_url: str | None = _setting(None, "how clients reach this gateway, where that is not its own address")
    demo: bool = _setting(False, "make a demonstration requester with a few dozen HITs")
    behind_proxy: str | None = _setting(
        None,
        "addresses and networks, with commas between, of the proxies that speak TLS with the clients in front of this "
        "gateway: what they say of a client is believed, and nobody else",
    )
    tls: bool = _setting(False, "speak TLS with the certificates that `mturk-gateway tls init` made")
    tls_certificate: Path | None = _setting(None, "PEM file of the certificate, to speak TLS itself")
    tls_key: Path | None = _setting(None, "PEM file of the certificate's private key")
    fronts: int = _setting(1, "how many processes answer requests")
    clock_skew: int = _setting(900, "seconds that a client's clock may differ; `mturk_gateway_clock_skew` in a profile")
    body_limit: int = _setting(1_048_576, "largest request body in bytes")
    deadline: float = _setting(20.0, "seconds that a request may take to arrive, and an answer to be fetched")
    key_rate: float | None = _setting(
        None, "requests a second of one access key; 0 for no limit; by default 100 where other machines can reach it"
    )
    address_rate: float | None = _setting(
        None, "requests a second from one address; 0 for no limit; by default 200 where other machines can reach it"
    )
    freshness: float = _setting(5.0, "seconds that the first page of a listing may be old")
    patience: float = _setting(25.0, "seconds that a client may wait for a listing to be walked")
    staleness: float = _setting(
        600.0, "seconds that a first page may be old where the listing takes longer than patience lasts"
    )
    walk_lifetime: float = _setting(900.0, "seconds that a client may take from one page of a listing to the next")
    snapshot_space: int = _setting(
        8192, "MiB that the rows of all snapshots may take, about; those of one requester at most half of it"
    )
    upstream_timeout: float = _setting(10.0, "seconds that one try of an upstream call may take")
    rate_limit: float | None = _setting(
        None, "requests a second that the embedded marketplace answers to one requester; no limit by default"
    )
    any_increase: bool = _setting(
        False, "let HITs of fewer than 10 assignments grow to 10 or more, which Amazon's prices forbade"
    )
    search_cap: int = _setting(
        10_000, "how many qualification types SearchQualificationTypes looks through when it is to find everybody's"
    )
    record: Path | None = _setting(None, "folder in which requests and answers of the legacy API are recorded")
    scrub: bool = _setting(False, "record other text of the same shape in place of workers' IDs and answers")
    default_lifetime: int = _setting(604_800, "seconds that a HIT lives whose creator gave a HIT type and no lifetime")
    fee_rate: float = _setting(
        0.0, "fees in statistics: the part of a reward or bonus that is paid on top, such as 0.2"
    )

    def __post_init__(self) -> None:
        """Refuse what contradicts itself; raises SettingsError."""
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise SettingsError("tls_certificate and tls_key are needed together")
        if self.tls and self.tls_certificate:
            raise SettingsError("tls is for the certificate of `mturk-gateway tls init`, tls_certificate for another")
        if len({self.port, self.content_port, self.operators_port}) < 3:
            raise SettingsError("port, content_port and operators_port must be three")
        if max(self.port, self.content_port, self.operators_port) > 65_535:
            raise SettingsError("ports go up to 65535")
        self._check_exposure()
        self._check_upstream()
        if self.scrub and self.record is None:
            raise SettingsError("scrub is for what is recorded: it needs record")

    def _check_exposure(self) -> None:
        try:
            behind_proxy = bool(self.proxies)
        except ValueError as error:
            raise SettingsError(f"behind_proxy names the proxies that are trusted: {error}") from None
        for host in (self.host, self.operators_host):
            if not (behind_proxy or self.tls or self.tls_certificate or is_loopback(host)):
                raise SettingsError(
                    f"refusing to listen on {host} in the clear: legacy signatures cover no parameters. Give a "
                    "certificate (--tls, or --tls-certificate and --tls-key), or name the proxies that speak TLS in "
                    "front of this gateway (--behind-proxy 10.0.0.2)"
                )
        if self.demo and self.exposed:
            raise SettingsError(
                "the demonstration is for this machine only: its keys are printed where others may read them. "
                "Leave out --demo where other machines reach the gateway, and make keys with `requester add`"
            )

    def _check_upstream(self) -> None:
        if self.upstream != EMBEDDED and not self.upstream.startswith(("http://", "https://")):
            raise SettingsError(f"upstream is `{EMBEDDED}` or a URL, not {self.upstream!r}")
        if self.sandbox_upstream is not None:
            if self.embedded:
                raise SettingsError("sandbox_upstream is for another upstream: the embedded marketplace has its own")
            if not self.sandbox_upstream.startswith(("http://", "https://")):
                raise SettingsError(f"sandbox_upstream is a URL, not {self.sandbox_upstream!r}")
        if self.demo and not self.embedded:
            raise SettingsError("the demonstration needs the embedded marketplace")

    @property
    def exposed(self) -> bool:
        """Whether others than this machine may reach the public listener."""
        return bool(self.behind_proxy) or not is_loopback(self.host)

    @property
    def rates(self) -> tuple[float, float]:
        """The requests a second of one access key, and from one address; 0 for no limit."""
        key, address = (100.0, 200.0) if self.exposed else (0.0, 0.0)
        return (
            key if self.key_rate is None else self.key_rate,
            address if self.address_rate is None else self.address_rate,
        )

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The proxies whose word is believed about clients; none where clients come by themselves."""
        return read_networks(self.behind_proxy) if self.behind_proxy is not None else ()

    @property
    def embedded(self) -> bool:
        """Whether the marketplace is our own."""
        return self.upstream == EMBEDDED

    @property
    def keys(self) -> Path:
        """The credentials file whose profiles are the requesters: of our own marketplace, that in the data folder."""
        if self.embedded:
            return self.data / "credentials"
        return self.credentials or shared_credentials_path()

    @property
    def address(self) -> str:
        """The URL at which clients reach the gateway, without a slash at the end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        return self.own_address

    @property
    def own_host(self) -> str:
        """The address at which this machine reaches the public listener."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  # asked, not bound

    @property
    def own_address(self) -> str:
        """The URL at which this machine reaches the public listener."""
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://{f'[{self.own_host}]' if ':' in self.own_host else self.own_host}:{self.port}"

    @property
    def tls_files(self) -> TlsFiles:
        """Where `mturk-gateway tls init` puts what it makes."""
        return TlsFiles(self.data / "tls")

    @property
    def certificate(self) -> tuple[Path, Path] | None:
        """The PEM files of the certificate and of its key, where the gateway speaks TLS itself."""
        if self.tls:
            return self.tls_files.certificate, self.tls_files.key
        return (self.tls_certificate, self.tls_key) if self.tls_certificate and self.tls_key else None


def option_name(setting: str) -> str:
    """`--public-url` for `public_url`."""
    return "--" + setting.replace("_", "-")


def variable_name(setting: str) -> str:
    """`MTURK_GATEWAY_PUBLIC_URL` for `public_url`."""
    return "MTURK_GATEWAY_" + setting.upper()


def load_settings(options: Mapping[str, Any], environment: Mapping[str, str], config: Path | None = None) -> Settings:
    """The settings in force: options over variables over the TOML file over defaults.

    An option that is None was not given. Raises SettingsError.
    """
    values: dict[str, Any] = {}
    if config is not None:
        try:
            values |= tomllib.loads(config.read_text())
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"{config}: {error}") from None
    known = {setting.name: setting for setting in fields(Settings)}
    unknown = sorted(values.keys() - known.keys())
    if unknown:
        raise SettingsError(f"{config}: no such setting: {', '.join(unknown)}")
    values |= {name: environment[variable_name(name)] for name in known if environment.get(variable_name(name))}
    values |= {name: value for name, value in options.items() if value is not None}
    return Settings(**{name: _read(str(known[name].type), name, value) for name, value in values.items()})


def _read(type_name: str, name: str, value: Any) -> Any:
    kind = type_name.removesuffix(" | None")
    try:
        match kind, value:
            case "bool", str():
                return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[value.lower()]
            case "bool", bool():
                return value
            case _, bool():
                raise ValueError
            case "int", int() | str():
                number: float = int(value)
            case "float", int() | float() | str():
                number = float(value)
            case "Path", str() | Path():
                return Path(value).expanduser()
            case "str", str():
                return value
            case _:
                raise ValueError
        if not 0 <= number < inf or (number == 0 and name not in ("freshness", "fee_rate", "key_rate", "address_rate")):
            raise ValueError
    except (ValueError, KeyError):
        raise SettingsError(f"{name} cannot be {value!r}") from None
    return number
