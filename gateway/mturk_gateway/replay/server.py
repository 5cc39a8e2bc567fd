"""A loopback server that answers legacy requests from recordings."""

from __future__ import annotations

import uuid

from starlette.types import ASGIApp, Receive, Scope, Send

from mturk_gateway.edge.connection import connections
from mturk_gateway.edge.failsafe import Failsafe, refusal_in
from mturk_gateway.edge.limits import Limits
from mturk_gateway.exchange import Answer, Received
from mturk_gateway.front import Front, LegacyFront, protocol_of, send_document
from mturk_gateway.listener import Listener
from mturk_gateway.replay.player import NoRecordingError, Player
from mturk_translators.document import front_refusal, whole_refusal
from mturk_translators.faults import Fault, Place, unreadable
from mturk_translators.query import first, merge, parse_pairs

NO_RECORDING = "MTurkGateway.NoRecording"
"""The code of the error that says that there is no recording."""

_LARGEST_BODY = 32 * 2**20
_SHOWN = 80
"""Characters that are shown of a path."""


class _Replaying:
    """Answers requests as HTTP brings them from a player."""

    def __init__(self, player: Player) -> None:
        self._player = player

    async def answer(self, received: Received) -> Answer:
        """The recorded answer, or a legacy error that says why there is none."""
        try:
            pairs = merge(parse_pairs(received.query), parse_pairs(received.body))
        except Fault as fault:
            self._player.refuse(fault.message)
            return Answer(fault.status, front_refusal(received.request_id, fault))
        try:
            return self._player.answer(pairs)
        except NoRecordingError as error:
            # Where every old client looks for errors, and with a status after which none of them tries again.
            refusal = Fault(NO_RECORDING, str(error), Place.WHOLE)
            return Answer(refusal.status, whole_refusal(first(pairs, "Operation"), received.request_id, refusal))


def create_replay(player: Player) -> ASGIApp:
    """What answers legacy requests from a player, and tells everybody else that this is all it does."""

    async def refuse(scope: Scope, _: Receive, send: Send) -> None:
        fault = unreadable("This is a replay of recorded requests of the legacy API; nothing else is answered.", 404)
        player.refuse(f"{scope['method']} {scope['path'][:_SHOWN]!r}: {fault.message}")
        status, content_type, document = refusal_in(protocol_of(scope), str(uuid.uuid4()), fault)
        await send_document(send, status, document, content_type)

    return Failsafe(Front(LegacyFront(_Replaying(player), _LARGEST_BODY), refuse, refuse, refuse))


class ReplayServer(Listener):
    """A player on a loopback port, a free one by default, between `start` and `stop` or inside a `with` block."""

    def __init__(self, player: Player, port: int = 0) -> None:
        super().__init__(create_replay(player), port=port, lifespan="off", http=connections(Limits()))
