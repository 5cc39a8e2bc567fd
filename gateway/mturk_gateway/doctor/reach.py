"""Another upstream: whether it answers, knows the requesters, and agrees on the time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from email.utils import parsedate_to_datetime

from mturk_gateway.clock import wall_clock
from mturk_gateway.credentials import CredentialsError, Requester, read_profiles
from mturk_gateway.doctor.findings import Finding, ok, problem, warning
from mturk_gateway.settings import Settings
from mturk_gateway.upstream import UNREACHABLE, Upstream
from mturk_translators.call import Call, Reply
from mturk_translators.faults import ModernError

_ASKED = 5
"""Requesters, the first ones of the file, for whom the upstream is asked."""
_SLOW = 2.0
"""Seconds of an answer that takes long."""
_SKEW = 60.0
"""Seconds that two clocks may differ."""


def check_upstream(settings: Settings) -> Iterator[Finding]:
    """Ask it for balances, with the keys of the requesters. Our own marketplace needs no asking."""
    if settings.embedded:
        yield ok("the embedded marketplace")
        return
    try:
        requesters = read_profiles(settings.keys)
    except CredentialsError:
        return
    with closing(Upstream(settings.upstream, settings.upstream_timeout)) as upstream:
        for requester in requesters[:_ASKED]:
            began = time.monotonic()
            try:
                reply = upstream.call(requester, Call("GetAccountBalance", {}))
            except ModernError as error:
                yield _refused(upstream.endpoint(requester), requester, error)
            else:
                yield from _answered(upstream.endpoint(requester), requester, reply, time.monotonic() - began)


def _refused(url: str, requester: Requester, error: ModernError) -> Finding:
    if error.type == UNREACHABLE:
        return problem(
            f"{url} gives no answer ({error.message}): every request fails",
            "see whether this machine reaches it, and trusts its certificate: curl --head " + url,
        )
    return problem(
        f"{url} refuses the keys of [{requester.profile}] ({error.type}): their requests fail",
        "put keys into the profile that are known there",
    )


def _answered(url: str, requester: Requester, reply: Reply, seconds: float) -> Iterator[Finding]:
    said = reply["ResponseMetadata"]["HTTPHeaders"].get("date")
    off = wall_clock() - parsedate_to_datetime(said).timestamp() if said else 0.0
    if abs(off) > _SKEW:
        yield problem(
            f"this machine's clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} that of {url}, "
            "which refuses signatures when that is too much",
            "set the clock, and have it kept right: timedatectl set-ntp true",
        )
    if seconds > _SLOW:
        yield warning(
            f"{url} took {seconds:.1f} s for one call: a walk takes one for each 100 rows", "ask its operator"
        )
    else:
        yield ok(f"{url} answers [{requester.profile}] in {seconds:.2f} s")
