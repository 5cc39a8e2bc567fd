"""An outside upstream that fails, in every way that one can, and what legacy clients are told."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from mturk_gateway.credentials import Requester, write_profile
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.settings import Settings
from mturk_gateway.upstream import Upstream
from mturk_translators.call import Call
from mturk_translators.faults import ModernError
from mturk_translators.xml import parse
from support import QUESTION, ScriptedUpstream, ask, modern_client, one, post, signed_query, texts

HIT = {
    "HITId": "3HIT",
    "HITTypeId": "3TYPE",
    "Title": "Birds",
    "Reward": "0.25",
    "CreationTime": 1_500_000_000,
    "Expiration": 1_500_003_600,
    "HITStatus": "Assignable",
    "MaxAssignments": 1,
}
UNAVAILABLE = (503, "ServiceUnavailable", "Response")


def hit(**changes):
    return {**HIT, **changes}


def outcome(response):
    """HTTP status, error code (None for a success), and the parent of Errors or of the whole document."""
    root = parse(response.content)
    codes = texts(root, "Code")
    errors = next(root.iter("Errors"), None)
    return response.status_code, codes[0] if codes else None, root.tag if errors is None else errors.getparent().tag


class Case:
    """Asks for one thing of each kind: an object (`GetHIT`), and a listing of its own for each name."""

    def __init__(self, gateway, requester):
        self._url = gateway.url
        self._requester = requester

    def _post(self, operation, parameter, name):
        query = signed_query(self._requester, operation, (parameter, name))
        return post(f"{self._url}/", query)

    def get(self, name):
        return self._post("GetHIT", "HITId", name)

    def listing(self, name):
        return self._post("GetHITsForQualificationType", "QualificationTypeId", name)


def named(script):
    """Answers to calls by the object that they name; the names are made from the positions in the script."""
    table = {identifier(position): reply for position, reply in enumerate(script.values())}

    def answer(_operation, params):
        return table[params.get("HITId") or params["QualificationTypeId"]]

    return answer


def identifier(position):
    return f"CASE{position}"


def outcomes(ask_for, script):
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(ask_for, map(identifier, range(len(script))))
        return dict(zip(script, found, strict=True))


def unavailable(script):
    return dict.fromkeys(script, UNAVAILABLE)


def modern_error(type_, message="Something. (1)", code=None, status=400):
    return status, {"__type": type_, "Message": message, **({"TurkErrorCode": code} if code else {})}


# What it answers instead of a reply

ERRORS = {
    "the service's own code": (
        modern_error("RequestError", code="AWS.MechanicalTurk.HITDoesNotExist"),
        (200, "AWS.MechanicalTurk.HITDoesNotExist", "Request"),
    ),
    "an unknown code of the service": (
        modern_error("RequestError", code="AWS.MechanicalTurk.Brand.New"),
        (200, "AWS.MechanicalTurk.Brand.New", "Request"),
    ),
    "no code": (modern_error("RequestError"), (200, "AWS.MechanicalTurk.InvalidParameterValue", "Request")),
    "an unknown type": (modern_error("Novelty"), (200, "AWS.MechanicalTurk.InvalidParameterValue", "Request")),
    "an unknown type with a namespace": (
        modern_error("com.amazonaws.mturk#RequestError", code="AWS.MechanicalTurk.InvalidHITState"),
        (200, "AWS.MechanicalTurk.InvalidHITState", "Request"),
    ),
    "a parameter with a code": (
        modern_error("ParameterValidationError", "Valid values range", "AWS.MechanicalTurk.XHTMLParseError"),
        (200, "AWS.MechanicalTurk.XHTMLParseError", "Request"),
    ),
    "a parameter out of range": (
        modern_error("ParameterValidationError", "Valid values range from 1 to 2"),
        (200, "AWS.ParameterOutOfRange", "Request"),
    ),
    "a parameter that is not well-formed": (
        modern_error("ParameterValidationError", "There was an error parsing the XML question"),
        (200, "AWS.MechanicalTurk.XMLParseError", "Request"),
    ),
    "another parameter": (
        modern_error("ParameterValidationError", "odd"),
        (200, "AWS.MechanicalTurk.InvalidParameterValue", "Request"),
    ),
    "a constraint on absence": (
        modern_error("ValidationException", "1 validation error detected: Value null at 'hITId' failed"),
        (200, "AWS.MissingParameters", "Request"),
    ),
    "a constraint on size": (
        modern_error("ValidationException", "Member must have value less than or equal to 100"),
        (200, "AWS.ParameterOutOfRange", "Request"),
    ),
    "another constraint": (
        modern_error("ValidationException", "Member must satisfy regular expression pattern"),
        (200, "AWS.MechanicalTurk.InvalidParameterValue", "Request"),
    ),
    "access denied": (modern_error("AccessDeniedException"), (200, "AWS.NotAuthorized", "OperationRequest")),
    "an unknown key": (modern_error("UnrecognizedClientException"), (200, "AWS.NotAuthorized", "OperationRequest")),
    "a bad signature": (
        modern_error("InvalidSignatureException", status=403),
        (200, "AWS.NotAuthorized", "OperationRequest"),
    ),
    "a fault": (modern_error("ServiceFault", code="AWS.ServiceUnavailable", status=500), UNAVAILABLE),
    "throttling": (modern_error("ThrottlingException"), UNAVAILABLE),
    "an unknown type with 500": (modern_error("Novelty", status=500), UNAVAILABLE),
}


@pytest.mark.parametrize("kind", ["get", "listing"])
def test_each_modern_error_has_its_legacy_code_and_place(foreign_gateway, kind):
    script = {name: reply for name, (reply, _) in ERRORS.items()}
    with ScriptedUpstream(named(script)) as upstream:
        found = outcomes(getattr(Case(*foreign_gateway(upstream.url)), kind), script)

    expected = {name: outcome_ for name, (_, outcome_) in ERRORS.items()}
    assert {name: outcome(response) for name, response in found.items()} == expected
    refused = [response for name, response in found.items() if expected[name][2] == "Request"]
    assert all("(1)" in one(parse(response.content), "Message") for response in refused[:2])


def test_a_refused_state_tells_the_object_and_both_states(foreign_gateway):
    """A PHP client walks over the Data entries and looks for CurrentState."""

    def answer(operation, _params):
        if operation == "GetAssignment":
            return 200, {"Assignment": {"AssignmentId": "3ASSIGNMENT", "AssignmentStatus": "Approved"}}
        message = "This operation can be called with a status of: Submitted, Rejected (1)"
        return modern_error("RequestError", message, "AWS.MechanicalTurk.InvalidAssignmentState")

    with ScriptedUpstream(answer) as upstream:
        gateway, requester = foreign_gateway(upstream.url)
        root = ask(gateway.url, requester, "ApproveAssignment", AssignmentId="3ASSIGNMENT")

    data = list(zip(texts(root, "Key"), texts(root, "Value"), strict=True))
    assert data == [
        ("AssignmentId", "3ASSIGNMENT"),
        ("CurrentState", "Approved"),
        ("ExpectedStates", "Submitted,Rejected"),
    ]


# What it answers that is no answer

GARBAGE = {
    "a page of HTML": (200, b"<html>Welcome</html>"),
    "nothing": (200, b""),
    "no text": (200, b"\xff\xfe\x00"),
    "a list": (200, []),
    "null": (200, None),
    "an empty object": (200, {}),
    "texts for objects": (200, {"HITs": "x", "HIT": "x"}),
    "numbers for objects": (200, {"HITs": [1], "HIT": 1}),
    "nulls for objects": (200, {"HITs": [None], "HIT": None}),
    "half of an answer": (200, b'{"HITs": [{"HITId": "3H'),
    "a nest without end": (200, b'{"HIT":' * 20_000),
    "a list for an ID": (200, {"HITs": [hit(HITId=["3HIT"])], "HIT": hit(HITId=["3HIT"])}),
    "a number for an ID": (200, {"HITs": [hit(HITId=3)], "HIT": hit(HITId=3)}),
    "a number for money": (200, {"HITs": [hit(Reward=5)], "HIT": hit(Reward=5)}),
    "a text for a time": (200, {"HITs": [hit(CreationTime="soon")], "HIT": hit(CreationTime="soon")}),
    "a time after the end of time": (200, {"HITs": [hit(CreationTime=1e30)], "HIT": hit(CreationTime=1e30)}),
    "a time before the first year": (200, {"HITs": [hit(CreationTime=-1e12)], "HIT": hit(CreationTime=-1e12)}),
    "a text for a list": (
        200,
        {"HITs": [hit(QualificationRequirements="x")], "HIT": hit(QualificationRequirements="x")},
    ),
    "an error without a type": (400, {}),
    "an error that is a list": (400, []),
    "an error page": (404, b"<html>Not Found</html>"),
    "a gateway's error page": (502, b"<html>Bad Gateway</html>"),
    "a redirect": (301, b""),
}

REPRESENTABLE = {"a number for an ID", "a number for money", "a list for an ID"}
"""What may as well be shown."""


@pytest.mark.parametrize("kind", ["get", "listing"])
def test_what_is_no_answer_is_unavailability_and_soon_told(foreign_gateway, kind):
    """Not an error of the gateway's own, and nobody waits for what cannot come."""
    with ScriptedUpstream(named(GARBAGE)) as upstream:
        found = outcomes(getattr(Case(*foreign_gateway(upstream.url, patience=30.0)), kind), GARBAGE)

    shown = {name for name in REPRESENTABLE if outcome(found[name])[:2] == (200, None)}
    assert {name: outcome(response) for name, response in found.items() if name not in shown} == unavailable(
        GARBAGE.keys() - shown
    )
    assert [name for name, response in found.items() if b"still being read" in response.content] == []


TOKENS = {
    "never changes": {"NextToken": "same"},
    "is a number": {"NextToken": 5},
    "is a list": {"NextToken": ["a"]},
    "is half a character": {"NextToken": "\ud800"},
}


def test_a_listing_whose_token_leads_nowhere_is_unavailable_and_soon_told(foreign_gateway):
    script = {name: (200, {"HITs": [HIT], **token}) for name, token in TOKENS.items()}
    with ScriptedUpstream(named(script)) as upstream:
        found = outcomes(Case(*foreign_gateway(upstream.url, patience=30.0)).listing, script)

    assert {name: outcome(response) for name, response in found.items()} == unavailable(TOKENS)
    assert [name for name, response in found.items() if b"still being read" in response.content] == []


def test_a_listing_that_goes_in_circles_is_given_up(foreign_gateway):
    tokens = itertools.cycle(["one", "two"])
    with ScriptedUpstream(lambda *_: (200, {"HITs": [HIT], "NextToken": next(tokens)})) as upstream:
        gateway, requester = foreign_gateway(upstream.url, patience=30.0)
        root = ask(gateway.url, requester, "SearchHITs")

    assert one(root, "Code") == "ServiceUnavailable"
    assert "still being read" not in one(root, "Message")


def test_a_row_without_an_id_makes_the_listing_unavailable(foreign_gateway):
    with ScriptedUpstream(lambda *_: (200, {"HITs": [HIT, {"Title": "Nameless"}]})) as upstream:
        gateway, requester = foreign_gateway(upstream.url, patience=30.0)

        assert one(ask(gateway.url, requester, "SearchHITs"), "Code") == "ServiceUnavailable"


STRANGE = {
    "controls": ("a\x00b\x1f", "a␀b␟"),
    "half a character": ("a\ud800b", "a\ufffdb"),
    "no characters": ("\ufffe\uffff", "\ufffd\ufffd"),
    "markup": ("<b>&amp;]]></b>", "<b>&amp;]]></b>"),
    "beyond the basic plane": ("🐦", "🐦"),
    "markup of our own": ("<?rendered 0?>", "<?rendered 0?>"),
}


@pytest.mark.parametrize("kind", ["get", "listing"])
def test_text_that_xml_cannot_carry_is_made_visible(foreign_gateway, kind):
    script = {name: (200, {"HIT": hit(Title=text), "HITs": [hit(Title=text)]}) for name, (text, _) in STRANGE.items()}
    with ScriptedUpstream(named(script)) as upstream:
        found = outcomes(getattr(Case(*foreign_gateway(upstream.url)), kind), script)

    assert {name: one(parse(response.content), "Title") for name, response in found.items()} == {
        name: shown for name, (_, shown) in STRANGE.items()
    }


def test_an_errors_message_that_xml_cannot_carry_is_made_visible(foreign_gateway):
    error = modern_error("RequestError", "no\x00 \ud800<b>", "AWS.MechanicalTurk.InvalidHITState")
    with ScriptedUpstream(lambda *_: error) as upstream:
        case = Case(*foreign_gateway(upstream.url))
        messages = [one(parse(case.get("3HIT").content), "Message"), one(parse(case.listing("3T").content), "Message")]

    assert messages == ["no␀ \ufffd<b>"] * 2


# When it does not answer at all


def test_an_upstream_that_is_down_is_unavailable(foreign_gateway):
    with ScriptedUpstream(lambda *_: (200, {})) as upstream:
        case = Case(*foreign_gateway(upstream.url, upstream_timeout=0.3))

    assert outcome(case.get("3HIT")) == UNAVAILABLE
    assert outcome(case.listing("3TYPE")) == UNAVAILABLE


def test_an_upstream_that_says_nothing_is_unavailable_and_a_retried_creation_cannot_create_twice(foreign_gateway):
    """All tries of one creation carry one token, so the upstream can tell them for one."""
    end = threading.Event()

    def never(*_):
        end.wait(30)
        return 200, {}

    with ScriptedUpstream(never) as upstream:
        gateway, requester = foreign_gateway(upstream.url, upstream_timeout=0.3)
        root = ask(
            gateway.url,
            requester,
            "CreateHIT",
            ("HITTypeId", "3TYPE"),
            ("LifetimeInSeconds", "3600"),
            ("Question", QUESTION),
        )
        end.set()

    assert one(root, "Code") == "ServiceUnavailable"
    assert {operation for operation, _ in upstream.calls} == {"CreateHITWithHITType"}
    assert len(upstream.calls) == 3
    assert len({params["UniqueRequestToken"] for _, params in upstream.calls}) == 1


def test_an_upstream_that_throttles_for_a_moment_is_asked_again(foreign_gateway):
    replies = iter([modern_error("ThrottlingException"), (200, {"AvailableBalance": "12.00"})])
    with ScriptedUpstream(lambda *_: next(replies)) as upstream:
        gateway, requester = foreign_gateway(upstream.url)

        assert one(ask(gateway.url, requester, "GetAccountBalance"), "Amount") == "12.00"


def test_an_upstream_that_came_back_is_used_at_once(foreign_gateway):
    replies = iter([(502, b"<html>"), (200, {"HITs": [HIT]})])
    with ScriptedUpstream(lambda *_: next(replies)) as upstream:
        gateway, requester = foreign_gateway(upstream.url)
        found = [texts(ask(gateway.url, requester, "SearchHITs"), "HITId") for _ in range(2)]

    assert found[-1] == ["3HIT"]


# Walks


def test_a_walk_that_meets_rows_twice_yields_none_twice(foreign_gateway):
    """Rows move between pages while a listing is walked; totals and pages must not count them twice."""
    names = ["3A", "3B", "3C", "3D"]
    pages = {None: (["3A", "3B", "3A"], "1"), "1": (["3B", "3C"], "2"), "2": ([], "3"), "3": (["3A", "3D"], None)}

    def answer(_operation, params):
        rows, token = pages[params.get("NextToken")]
        return 200, {"HITs": [hit(HITId=name) for name in rows], **({"NextToken": token} if token else {})}

    with ScriptedUpstream(answer) as upstream:
        gateway, requester = foreign_gateway(upstream.url)
        shown = [
            ask(gateway.url, requester, "SearchHITs", PageSize=3, PageNumber=number, SortProperty="Enumeration")
            for number in (1, 2, 3)
        ]

    assert [texts(page, "HITId") for page in shown] == [names[:3], names[3:], []]
    assert [one(page, "TotalNumResults") for page in shown] == ["4"] * 3
    assert [one(page, "NumResults") for page in shown] == ["3", "1", "0"]
    assert [params["MaxResults"] for _, params in upstream.calls] == [100] * 4


def test_a_reply_without_what_it_is_about_is_no_answer(foreign_gateway):
    with ScriptedUpstream(lambda *_: (200, {"HIT": {"HITTypeId": "3TYPE", "Title": "Nameless"}})) as upstream:
        gateway, requester = foreign_gateway(upstream.url)
        root = ask(gateway.url, requester, "GetHIT", HITId="3HIT")

    assert one(root, "Code") == "ServiceUnavailable"


def test_a_profile_has_an_endpoint_and_a_region_of_its_own(tmp_path):
    requester = Requester("lab", "AKIDLAB", "lab-secret")
    file = tmp_path / "credentials"
    with ScriptedUpstream(lambda *_: (200, {"AvailableBalance": "3.00"})) as upstream:
        write_profile(file, requester)
        with file.open("a") as stream:
            stream.write(f"region = eu-central-1\nendpoint_url = {upstream.url}\n")
        settings = Settings(data=tmp_path / "data", credentials=file, upstream="http://127.0.0.1:9")
        with EmbeddedGateway(settings) as gateway:
            assert one(ask(gateway.url, requester, "GetAccountBalance"), "Amount") == "3.00"
            with modern_client(gateway.url, requester) as modern:
                assert modern.get_account_balance()["AvailableBalance"] == "3.00"

    scopes = [headers["Authorization"].partition("Credential=")[2].split("/")[2] for headers in upstream.headers]
    assert scopes == ["eu-central-1"] * 2


# Calls with headers of their own

LAB = Requester("lab", "AKIDLAB", "lab-secret")


@contextmanager
def scripted(answer):
    with ScriptedUpstream(answer) as server:
        upstream = Upstream(server.url, timeout=5.0)
        try:
            yield server, upstream
        finally:
            upstream.close()


def signed(headers):
    return headers["Authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")


def test_a_call_carries_headers_of_its_own_and_signs_them():
    with scripted(lambda *_: (200, {"HIT": HIT})) as (server, upstream):
        reply = upstream.call(LAB, Call("GetHIT", {"HITId": "3HIT"}), headers={"X-Since": "7"})
        upstream.call(LAB, Call("GetHIT", {"HITId": "3HIT"}))

    first, second = server.headers
    assert first["X-Since"] == "7"
    assert "x-since" in signed(first)
    assert "X-Since" not in second
    assert reply["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/x-amz-json-1.1"
    assert reply["HIT"] == HIT


def test_every_try_of_a_call_carries_its_headers():
    replies = iter([modern_error("ThrottlingException"), (200, {"HIT": HIT})])
    with scripted(lambda *_: next(replies)) as (server, upstream):
        upstream.call(LAB, Call("GetHIT", {"HITId": "3HIT"}), headers={"X-Since": "7"})

    assert [headers["X-Since"] for headers in server.headers] == ["7", "7"]
    assert all("x-since" in signed(headers) for headers in server.headers)


def test_a_failed_call_leaves_no_headers_behind():
    replies = iter([modern_error("RequestError"), (200, {"HIT": HIT})])
    with scripted(lambda *_: next(replies)) as (server, upstream):
        with pytest.raises(ModernError):
            upstream.call(LAB, Call("GetHIT", {"HITId": "3HIT"}), headers={"X-Since": "7"})
        upstream.call(LAB, Call("GetHIT", {"HITId": "3HIT"}))

    assert ["X-Since" in headers for headers in server.headers] == [True, False]


def test_calls_at_the_same_time_keep_their_headers_apart():
    names = ["X" * length for length in range(1, 65)]
    with scripted(lambda *_: (200, {"HIT": HIT})) as (server, upstream), ThreadPoolExecutor(8) as pool:
        list(
            pool.map(lambda name: upstream.call(LAB, Call("GetHIT", {"HITId": name}), headers={"X-Name": name}), names)
        )

    assert sorted(headers["X-Name"] for headers in server.headers) == names
    assert len({int(headers["Content-Length"]) - len(headers["X-Name"]) for headers in server.headers}) == 1


def test_times_are_numbers_as_they_were_sent_and_texts_are_understood():
    hits = [hit(Expiration=1_500_000_000.5), hit(Expiration="2017-07-14T02:40:00Z")]
    with scripted(lambda *_: (200, {"HITs": hits})) as (_, upstream):
        reply = upstream.call(LAB, Call("ListHITs", {}))

    assert reply["HITs"][0]["Expiration"] == 1_500_000_000.5
    assert reply["HITs"][1]["Expiration"].timestamp() == 1_500_000_000


def test_what_the_environment_says_of_proxies_and_profiles_is_nothing_to_the_embedded_marketplace(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("AWS_PROFILE", "that-does-not-exist")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with EmbeddedGateway(Settings(data=tmp_path)) as gateway:
        requester = gateway.add_requester("lab")

        assert one(ask(gateway.url, requester, "GetAccountBalance"), "IsValid") == "True"
        assert one(ask(gateway.url, requester, "SearchHITs"), "TotalNumResults") == "0"
