"""boto 2.49, unchanged, pointed at a gateway. Importing this skips the tests where boto does not run."""

from __future__ import annotations

import datetime as dt
import sys
import warnings
from functools import partial
from importlib.util import spec_from_loader
from urllib.parse import urlsplit

import pytest

from mturk_gateway.clock import wall_clock


def _find_spec(finder, name, path=None, _target=None):
    loader = finder.find_module(name, path)
    return loader and spec_from_loader(name, loader)


with warnings.catch_warnings():
    # boto 2 is older than most of what Python warns of.
    warnings.simplefilter("ignore")
    pytest.importorskip("boto", reason="boto 2.49 does not run on this Python")
    from boto.mturk import connection, layoutparam, qualification, question
    from boto.mturk.connection import MTurkRequestError
    from boto.mturk.price import Price

for finder in sys.meta_path:
    if not hasattr(finder, "find_spec"):
        # That of boto's own copy of six is older than this method, which pytest asks all finders for.
        finder.find_spec = partial(_find_spec, finder)

__all__ = ["MTurkRequestError", "Price", "connection", "layoutparam", "qualification", "question"]


def connect(gateway, requester, **changes):
    """A connection with a requester's keys."""
    address = urlsplit(gateway.url)
    given = {"host": address.hostname, "port": address.port, "is_secure": False, **changes}
    return connection.MTurkConnection(requester.access_key, requester.secret, **given)


ALL_GROUPS = ["Minimal", "HITDetail", "HITQuestion", "HITAssignmentSummary"]
QUESTION = question.ExternalQuestion("https://example.com/task?a=1&b=2", 600)
PROPERTIES = {"lifetime": 3600, "title": "t", "description": "d", "keywords": "k", "reward": 0.01, "duration": 60}
"""Those of a HIT. On Python 3, boto fails in itself without keywords."""

MTURK = "AWS.MechanicalTurk."


def form():
    """A question form of boto's own making, with a text and a choice."""
    content = question.QuestionContent()
    content.append_field("Text", "How are you? &lt;&amp;&gt;")
    overview = question.Overview()
    overview.append_field("Title", "A form")
    free = question.AnswerSpecification(question.FreeTextAnswer(num_lines=2))
    choice = question.SelectionAnswer(
        min=1, max=1, style="radiobutton", selections=[("Yes", "y"), ("No", "n")], type="text"
    )
    made = question.QuestionForm()
    made.append(overview)
    made.append(question.Question("q1", content, free, is_required=True))
    made.append(question.Question("q2", content, question.AnswerSpecification(choice)))
    return made


def requirements(*more):
    """Those of three kinds that are built in, and more."""
    wanted = qualification.Qualifications()
    wanted.add(qualification.PercentAssignmentsApprovedRequirement("GreaterThanOrEqualTo", 95))
    wanted.add(qualification.NumberHitsApprovedRequirement("GreaterThan", 10, required_to_preview=True))
    wanted.add(qualification.LocaleRequirement("In", ["US", "CA", "GB"]))
    for requirement in more:
        wanted.add(requirement)
    return wanted


def is_nothing(answer):
    """Whether an answer says that it is done, and no more: Dallinger compares it with an empty list."""
    return answer == [] and answer.status is True


def parse_time(text):
    """A time in the one format that boto and Dallinger know."""
    return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)


def soon(text):
    """Whether a time is that of a moment ago."""
    return abs(parse_time(text).timestamp() - wall_clock()) < 60


LEFT = [
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.usefixtures("collected"),
]
"""boto leaves its connections to the garbage collector."""
