"""The modern API through the gateway: a plain boto3 client, and what stands behind."""

from __future__ import annotations

import json
import socket
import threading
from urllib.parse import urlsplit

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from mturk_gateway.clock import wall_clock
from mturk_gateway.credentials import Requester
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.marketplace.services.working import workers
from mturk_gateway.paging.tables import writes
from mturk_gateway.settings import Settings
from support import QUESTION, ScriptedUpstream, ask, modern_client, one, texts

HIT = {
    "Title": "Birds",
    "Description": "Name them",
    "Reward": "0.25",
    "AssignmentDurationInSeconds": 60,
    "LifetimeInSeconds": 3600,
    "Question": QUESTION,
}
LEGACY_HIT = [
    ("Title", "Trees"),
    ("Description", "Name them"),
    ("Reward.1.Amount", "0.25"),
    ("AssignmentDurationInSeconds", "60"),
    ("LifetimeInSeconds", "3600"),
    ("Question", QUESTION),
]
BALANCE = "MTurkRequesterServiceV20170117.GetAccountBalance"


def refusal(call, **params):
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response


def signed(url, requester, body=b"{}", target=BALANCE, service="mturk-requester"):
    """Headers of a modern request, signed."""
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", f"{url}/", headers, body)
    SigV4Auth(Credentials(requester.access_key, requester.secret), service, "us-east-1").add_auth(request)
    return dict(request.headers.items())


def post(url, headers, body=b"{}"):
    return httpx.post(f"{url}/", content=body, headers=headers, trust_env=False, verify=False, timeout=30)


def test_boto3_creates_lists_and_gets_at_the_gateways_address(gateway, requester):
    with modern_client(gateway.url, requester) as client:
        created = client.create_hit(**HIT)["HIT"]
        listed = client.list_hits()["HITs"]
        gotten = client.get_hit(HITId=created["HITId"])["HIT"]

    assert [hit["HITId"] for hit in listed] == [created["HITId"]]
    assert (gotten["Title"], gotten["Reward"], gotten["Question"]) == ("Birds", "0.25", QUESTION)


def test_boto3_sees_what_the_service_answers_in_the_response_metadata(gateway, requester):
    with modern_client(gateway.url, requester) as client:
        metadata = client.get_account_balance()["ResponseMetadata"]

    assert metadata["HTTPStatusCode"] == 200
    assert metadata["RequestId"]


def test_errors_of_the_service_pass_unchanged(gateway, requester):
    with modern_client(gateway.url, requester) as client:
        missing = refusal(client.get_hit, HITId="3NOSUCHHIT")
        page = refusal(client.list_hits, NextToken="no token of ours")

    assert missing["Error"]["Code"] == "RequestError"
    assert missing["Error"]["Message"].startswith("Hit 3NOSUCHHIT does not exist.")
    assert missing["TurkErrorCode"] == "AWS.MechanicalTurk.HITDoesNotExist"
    assert missing["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert page["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_boto3_approves_what_a_worker_submitted(gateway, requester):
    with modern_client(gateway.url, requester) as client:
        hit = client.create_hit(**HIT)["HIT"]["HITId"]
        with gateway.house.marketplace.writing() as connection:
            assignment = workers.accept(connection, hit, "A1WORKER", int(wall_clock()))
            workers.submit(connection, assignment, [("bird", "wren")], int(wall_clock()))
        (submitted,) = client.list_assignments_for_hit(HITId=hit)["Assignments"]
        client.approve_assignment(AssignmentId=submitted["AssignmentId"], RequesterFeedback="Thanks")
        approved = client.get_assignment(AssignmentId=assignment)["Assignment"]
    shown = ask(gateway.url, requester, "GetAssignmentsForHIT", HITId=hit)

    assert "wren" in submitted["Answer"]
    assert (approved["AssignmentStatus"], approved["RequesterFeedback"]) == ("Approved", "Thanks")
    assert (one(shown, "AssignmentId"), one(shown, "AssignmentStatus")) == (assignment, "Approved")


@pytest.mark.parametrize("extra", ["X-Blank: value   ", "X-Blank:   value", "X-Blank:", "TE: trailers", "X-Tab: a\tb"])
def test_any_legal_spelling_of_a_header_is_handed_on(gateway, requester, extra):
    """White space around a header's value is no part of it (RFC 9110, 5.5)."""
    headers = {**signed(gateway.url, requester), "Host": gateway.url.removeprefix("http://"), "Connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    address = urlsplit(gateway.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\n{head}Content-Length: 2\r\n{extra}\r\n\r\n{{}}".encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'"AvailableBalance"' in answer


def test_an_answer_has_each_header_once(gateway, requester):
    answer = post(gateway.url, signed(gateway.url, requester))

    assert answer.status_code == 200
    assert [name for name in answer.headers if len(answer.headers.get_list(name)) > 1] == []


def test_who_signs_with_another_secret_or_an_unknown_key_is_refused(gateway, requester):
    forger = Requester("forger", requester.access_key, "not-the-secret")
    stranger = Requester("stranger", "AKIDNOBODY", "any-secret")
    codes = []
    for who in (forger, stranger):
        with modern_client(gateway.url, who) as client:
            codes.append(refusal(client.get_account_balance)["Error"]["Code"])

    assert codes == ["InvalidSignatureException", "UnrecognizedClientException"]


def test_a_write_of_either_api_shows_on_the_next_legacy_first_page(gateway, requester):
    """Read your writes: no first page is older than the requester's last acknowledged write."""
    with modern_client(gateway.url, requester) as client:
        counts = []
        for _ in range(2):
            client.create_hit(**HIT)
            counts.append(one(ask(gateway.url, requester, "SearchHITs"), "TotalNumResults"))
            ask(gateway.url, requester, "CreateHIT", *LEGACY_HIT)
            counts.append(one(ask(gateway.url, requester, "SearchHITs"), "TotalNumResults"))
        client.update_expiration_for_hit(HITId=client.list_hits()["HITs"][0]["HITId"], ExpireAt=0)
        reviewable = ask(gateway.url, requester, "GetReviewableHITs")

    assert counts == ["1", "2", "3", "4"]
    assert one(reviewable, "TotalNumResults") == "1"


def test_a_legacy_write_shows_in_the_next_modern_listing(gateway, requester):
    hit = one(ask(gateway.url, requester, "CreateHIT", *LEGACY_HIT), "HITId")

    with modern_client(gateway.url, requester) as client:
        assert [listed["HITId"] for listed in client.list_hits()["HITs"]] == [hit]


def test_requesters_see_nothing_of_each_other(gateway, requester):
    other = gateway.add_requester(f"other-than-{requester.profile}")
    with modern_client(gateway.url, requester) as client, modern_client(gateway.url, other) as stranger:
        hit = client.create_hit(**HIT)["HIT"]["HITId"]

        assert stranger.list_hits()["HITs"] == []
        assert refusal(stranger.get_hit, HITId=hit)["TurkErrorCode"] == "AWS.MechanicalTurk.HITDoesNotExist"
    assert texts(ask(gateway.url, other, "SearchHITs"), "HITId") == []


def test_a_request_for_the_sandboxs_host_is_for_the_sandbox(gateway, requester):
    with modern_client(gateway.url, requester) as client:
        client.create_hit(**HIT)
        sandbox = "mturk-requester-sandbox.us-east-1.amazonaws.com"
        client.meta.events.register(
            "before-sign.mturk", lambda request, **_: request.headers.add_header("Host", sandbox)
        )
        assert client.list_hits()["HITs"] == []
        client.create_hit(**HIT)
        assert client.list_hits()["NumResults"] == 1

    assert one(ask(gateway.url, requester, "SearchHITs"), "TotalNumResults") == "1"


def test_a_body_over_the_limit_is_refused_in_json(gateway, requester):
    body = json.dumps({"Pad": "x" * 1_048_576}).encode()
    answer = post(gateway.url, signed(gateway.url, requester, body), body)

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    assert answer.json()["__type"] == "SerializationException"


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff\xfe", b'{"a":' * 50_000, b'"\\ud800"', b"1e999"])
def test_a_signed_body_that_is_no_json_object_is_refused_in_json(gateway, requester, body):
    answer = post(gateway.url, signed(gateway.url, requester, body), body)

    assert answer.status_code in ({200} if body == b"" else {400})
    assert isinstance(answer.json(), dict)


@pytest.mark.parametrize("target", ["", "GetAccountBalance", "MTurkRequesterServiceV20170117.", "X.Y.Z", "A" * 5_000])
def test_an_operation_that_does_not_exist_is_refused_in_json(gateway, requester, target):
    answer = post(gateway.url, signed(gateway.url, requester, b"{}", target))

    assert answer.status_code in {400, 404}
    assert answer.json()["__type"]


# With another upstream


def balance(*_):
    return 200, {"AvailableBalance": "12.00"}


def test_another_upstream_gets_the_request_signed_anew_with_the_keys_of_the_profile(foreign_gateway):
    with ScriptedUpstream(balance) as upstream:
        gateway, requester = foreign_gateway(upstream.url)
        with modern_client(gateway.url, requester) as client:
            assert client.get_account_balance()["AvailableBalance"] == "12.00"
        (headers,) = upstream.headers

    headers = {name.lower(): value for name, value in headers.items()}
    assert upstream.calls == [("GetAccountBalance", {})]
    assert headers["host"] == upstream.url.removeprefix("http://")
    assert headers["x-amz-target"] == BALANCE
    assert headers["content-type"] == "application/x-amz-json-1.1"
    assert headers["authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={requester.access_key}/")
    assert "host" in headers["authorization"]
    expected = AWSRequest(
        "POST", f"{upstream.url}/", {"X-Amz-Target": BALANCE, "Content-Type": headers["content-type"]}, b"{}"
    )
    expected.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(Credentials(requester.access_key, requester.secret), "mturk-requester", "us-east-1")
    expected.headers["X-Amz-Date"] = headers["x-amz-date"]
    signature = auth.signature(auth.string_to_sign(expected, auth.canonical_request(expected)), expected)
    assert headers["authorization"].endswith(f"Signature={signature}")


def test_an_error_of_another_upstream_passes_with_its_status_and_body(foreign_gateway):
    error = {"__type": "RequestError", "Message": "This HIT is odd. (1)", "TurkErrorCode": "AWS.MechanicalTurk.Odd"}
    with ScriptedUpstream(lambda *_: (400, error)) as upstream:
        gateway, requester = foreign_gateway(upstream.url)
        answer = post(gateway.url, signed(gateway.url, requester))

    assert (answer.status_code, answer.json()) == (400, error)


def test_a_reply_in_an_unknown_shape_passes_as_it_is(foreign_gateway):
    """It is the client's to understand; the write has been made."""
    odd = {"HIT": "3HIT"}
    with ScriptedUpstream(lambda *_: (200, odd)) as upstream:
        gateway, requester = foreign_gateway(upstream.url)
        target = BALANCE.replace("GetAccountBalance", "CreateHIT")
        answer = post(gateway.url, signed(gateway.url, requester, target=target))

    assert (answer.status_code, answer.json()) == (200, odd)


@pytest.mark.parametrize("failure", ["fault", "silence"])
def test_a_write_that_failed_may_have_been_carried_out_and_is_looked_for(foreign_gateway, failure):
    """The next first page is of a walk that began after it; what was not acknowledged is no deed of anybody."""
    end, made, counted = threading.Event(), [], {"MaxAssignments": 1, "NumberOfAssignmentsAvailable": 1}

    def answer(operation, _params):
        if operation == "CreateHIT":
            made.append({"HITId": "3MADE", "CreationTime": 0, "Reward": "1", "HITStatus": "Assignable", **counted})
            if failure == "silence":
                end.wait(30)
            return 500, {"__type": "ServiceFault", "Message": "Try again.", "HIT": {"HITId": "3DEED", "Reward": "1"}}
        return 200, {"HITs": made, "NumResults": len(made)}

    with ScriptedUpstream(answer) as upstream:
        gateway, requester = foreign_gateway(upstream.url, upstream_timeout=0.5, freshness=60)
        assert texts(ask(gateway.url, requester, "SearchHITs"), "HITId") == []
        target = BALANCE.replace("GetAccountBalance", "CreateHIT")
        assert is_service_fault(post(gateway.url, signed(gateway.url, requester, target=target)))
        end.set()
        assert texts(ask(gateway.url, requester, "SearchHITs"), "HITId") == ["3MADE"]
        created = {"Statistic": "NumberHITsCreated", "TimePeriod": "LifeToDate"}
        assert one(ask(gateway.url, requester, "GetRequesterStatistic", **created), "LongValue") == "1"


def test_what_is_not_signed_by_its_owner_never_reaches_another_upstream(foreign_gateway):
    with ScriptedUpstream(balance) as upstream:
        gateway, requester = foreign_gateway(upstream.url)
        good = signed(gateway.url, requester)
        forged = {
            "another secret": signed(gateway.url, Requester("x", requester.access_key, "guess")),
            "an unknown key": signed(gateway.url, Requester("x", "AKIDNOBODY", "guess")),
            "another host": signed("http://example.org", requester),
            "another service": signed(gateway.url, requester, service="s3"),
            "a changed target": {**good, "X-Amz-Target": BALANCE.replace("GetAccountBalance", "DeleteHIT")},
            "an old date": {**good, "X-Amz-Date": "20200101T000000Z"},
            "no signature": {name: value for name, value in good.items() if name != "Authorization"},
        }
        answers = {what: post(gateway.url, headers) for what, headers in forged.items()}
        answers["a changed body"] = post(gateway.url, good, b'{"HITId":"OTHER"}')

        assert upstream.calls == []
        assert post(gateway.url, good).status_code == 200
    assert {answer.status_code for answer in answers.values()} == {403}
    assert answers["an unknown key"].json()["__type"] == "UnrecognizedClientException"
    assert answers["no signature"].json()["__type"] == "MissingAuthenticationTokenException"
    assert answers["another secret"].json()["__type"] == "InvalidSignatureException"


def test_a_signature_from_long_ago_is_stale(foreign_gateway):
    with ScriptedUpstream(balance) as upstream:
        gateway, requester = foreign_gateway(upstream.url)
        old = AWSRequest("POST", f"{gateway.url}/", {"X-Amz-Target": BALANCE}, b"{}")
        auth = SigV4Auth(Credentials(requester.access_key, requester.secret), "mturk-requester", "us-east-1")
        old.context["timestamp"] = "20200101T000000Z"
        old.headers["X-Amz-Date"] = "20200101T000000Z"
        old.headers["Host"] = gateway.url.removeprefix("http://")
        signature = auth.signature(auth.string_to_sign(old, auth.canonical_request(old)), old)
        scope = f"{requester.access_key}/20200101/us-east-1/mturk-requester/aws4_request"
        headers = {
            **dict(old.headers.items()),
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date;x-amz-target, "
            f"Signature={signature}",
        }
        answer = post(gateway.url, headers)

    assert upstream.calls == []
    assert answer.status_code == 403
    assert answer.json()["message"].startswith("Signature expired: 20200101T000000Z")


def is_service_fault(answer):
    described = (answer.status_code, answer.headers["content-type"], answer.json()["__type"])
    return described == (500, "application/x-amz-json-1.1", "ServiceFault") and answer.json()["Message"]


def test_another_upstream_that_is_down_is_a_service_fault(foreign_gateway):
    with ScriptedUpstream(balance) as upstream:
        gateway, requester = foreign_gateway(upstream.url)

    assert is_service_fault(post(gateway.url, signed(gateway.url, requester)))


def test_another_upstream_that_says_nothing_is_a_service_fault(foreign_gateway):
    end = threading.Event()

    def never(*_):
        end.wait(30)
        return balance()

    with ScriptedUpstream(never) as upstream:
        gateway, requester = foreign_gateway(upstream.url, upstream_timeout=0.3)
        answer = post(gateway.url, signed(gateway.url, requester))
        end.set()

    assert is_service_fault(answer)


def test_forged_writes_do_not_make_the_gateway_walk_again(gateway, requester):
    """Access keys are no secret: they travel in URLs."""
    ask(gateway.url, requester, "SearchHITs")
    stranger = Requester("stranger", requester.access_key, "not the secret")
    with modern_client(gateway.url, stranger) as modern, pytest.raises(ClientError):
        modern.delete_hit(HITId="3HIT")

    with gateway.house.desk.reading() as connection:
        assert connection.execute(writes.select().where(writes.c.requester == requester.account)).all() == []


def test_a_client_may_have_signed_the_public_name_where_a_proxy_passes_on_another(tmp_path):
    settings = Settings(data=tmp_path / "data", public_url="https://mturk.example.org")
    with EmbeddedGateway(settings) as gateway:
        requester = gateway.add_requester("lab")
        body = b"{}"
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "MTurkRequesterServiceV20170117.GetAccountBalance",
        }
        outside = AWSRequest("POST", "https://mturk.example.org/", headers, body)
        SigV4Auth(Credentials(requester.access_key, requester.secret), "mturk-requester", "us-east-1").add_auth(outside)
        with httpx.Client(trust_env=False) as client:
            passed_on = client.post(f"{gateway.url}/", headers=dict(outside.headers.items()), content=body)

    assert passed_on.json() == {"AvailableBalance": "10000.00"}
