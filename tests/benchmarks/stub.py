"""A modern upstream that does no work: canned replies, and a count of the calls at `GET /counts`.

The access key says how many HITs its owner has; see `stub_requester`.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections import Counter

import uvloop

from benchmarks import sample
from benchmarks.framing import Messages, operation_of, reply
from mturk_gateway.credentials import Requester
from support import QUESTION

_KEY = re.compile(rb"Credential=STUB(\d{8})")
_PAGE_MARK = "@" * sample.DIGITS
_COUNTDOWN_MARK = "~" * sample.DIGITS


def stub_requester(hits: int, serial: int = 0) -> Requester:
    """Somebody who has so many HITs; with another serial number, somebody else with as many."""
    return Requester(f"stub{hits}-{serial}", f"STUB{hits:08d}N{serial:03d}", "a secret that the stub does not look at")


def run_stub(listening: socket.socket) -> None:
    """Serve until the process ends."""
    counts: Counter[str] = Counter()
    uvloop.run(_serve(listening, counts))


async def _serve(listening: socket.socket, counts: Counter[str]) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(counts), sock=listening)
    await server.serve_forever()


class _Connection(asyncio.Protocol):
    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._messages = Messages()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for head, body in self._messages.feed(data):
            self._transport.write(reply(self._answer(head, body)))

    def _answer(self, head: bytes, body: bytes) -> bytes:
        if head.startswith(b"GET /counts"):
            return json.dumps(self._counts).encode()
        operation = operation_of(head)
        self._counts[operation] += 1
        if operation == "ListHITs":
            return _list_hits(int(_KEY.search(head)[1]), json.loads(body))
        return _CANNED[operation]


def _list_hits(hits: int, params: dict[str, object]) -> bytes:
    """One page; like the marketplace, with a token exactly when there are items."""
    if params.get("MaxResults") != sample.PAGE or hits % sample.PAGE:
        raise ValueError(f"only full pages of {sample.PAGE} are canned")
    page = int(params.get("NextToken", "0"))
    if page >= hits // sample.PAGE:
        return b'{"NumResults":0,"HITs":[]}'
    token = b'{"NextToken":"%d",' % (page + 1)
    return token + _filled(_LISTED, page)


def _filled(text: bytes, page: int) -> bytes:
    return text.replace(_PAGE_MARK.encode(), sample.page_digits(page).encode()).replace(
        _COUNTDOWN_MARK.encode(), sample.countdown_digits(page).encode()
    )


def _hit(place: int) -> str:
    """The members that the marketplace gives, in its order; times are numbers, whose marks lose their quotes."""
    members = {
        "HITId": sample.identifier(_PAGE_MARK, place),
        "HITTypeId": f"3TYPE{place:025d}",
        "HITGroupId": f"3GROUP{place:024d}",
        "CreationTime": f"#{sample.created(_COUNTDOWN_MARK, place)}#",
        "Title": sample.title(_PAGE_MARK, place),
        "Description": sample.DESCRIPTION,
        "Question": QUESTION,
        "Keywords": sample.KEYWORDS,
        "HITStatus": "Assignable",
        "MaxAssignments": 1,
        "Reward": sample.reward(place),
        "AutoApprovalDelayInSeconds": sample.AUTO_APPROVAL_DELAY,
        "Expiration": f"#{sample.expires(_COUNTDOWN_MARK, place)}#",
        "AssignmentDurationInSeconds": sample.ASSIGNMENT_DURATION,
        "RequesterAnnotation": sample.ANNOTATION,
        "QualificationRequirements": [],
        "HITReviewStatus": "NotReviewed",
        "NumberOfAssignmentsPending": 0,
        "NumberOfAssignmentsAvailable": 1,
        "NumberOfAssignmentsCompleted": 0,
    }
    return json.dumps(members, separators=(",", ":")).replace('"#', "").replace('#"', "")


_LISTED = f'"NumResults":{sample.PAGE},"HITs":[{",".join(map(_hit, range(sample.PAGE)))}]}}'.encode()
_ONE = _filled(f'{{"HIT":{_hit(0)}}}'.encode(), 0)
_CANNED = {"GetHIT": _ONE, "CreateHIT": _ONE, "GetAccountBalance": b'{"AvailableBalance":"10000.00"}'}
