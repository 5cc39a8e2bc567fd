"""What each client does when it is told to come back, or told nothing: rules read in their sources."""

from __future__ import annotations

import time

from clients import wire
from mturk_translators.xml import parse
from support import texts

_PAUSE = 0.05
"""Seconds between two tries here, where the clients wait for seconds."""
_PATIENCE = 60.0


class GivenUpError(Exception):
    """The client takes an answer for final that is none."""


def _ruby_aws(answer):
    """Goes by the code, of errors that stand directly under the root."""
    codes = [code.text for code in answer.root.findall("Errors/Error/Code")]
    return codes[:1] == ["ServiceUnavailable"]


def _perl(answer):
    """Reads a 503 that has errors, and takes the first code that stands anywhere; any other is a broken connection."""
    if answer.status == 503 and b"<Errors>" in answer.content:
        return texts(answer.root, "Code")[0] == "ServiceUnavailable"
    return answer.status != 200


def _by_status(answer):
    """Takes every status but 200 for a broken connection."""
    return answer.status != 200


def _mturkr(answer):
    """Searches the text for one that says that the request was valid."""
    return b"<Request><IsValid>True</IsValid>" not in answer.content


HABITS = {
    wire.ruby_aws: _ruby_aws,
    wire.ruby_aws_get: _ruby_aws,
    wire.perl: _perl,
    wire.rturk: _by_status,
    wire.goamz: _by_status,
    wire.mturkr: _mturkr,
}
"""How a client is written on the wire, and how it tells that it has to ask again."""


class Caller:
    """A client with its habit, at a gateway; `refusals` are the times that it was sent away or cut off."""

    def __init__(self, url, requester, client):
        self._url = url
        self._requester = requester
        self._client = client
        self.refusals = 0

    def ask(self, operation, *pairs):
        """The root of the answer that it gets in the end. Raises GivenUpError when it takes an error for the end."""
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            try:
                answer = wire.Exchange(self._url, self._client(self._requester, operation, *pairs))
            except OSError:
                again = True
            else:
                again = HABITS[self._client](answer)
                if not again:
                    if b"<Errors>" in answer.content:
                        raise GivenUpError(answer.content)
                    return parse(answer.content)
            self.refusals += again
            time.sleep(_PAUSE)
        raise TimeoutError("asked in vain")
