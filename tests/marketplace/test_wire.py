"""HTTP, JSON and authentication of the marketplace, seen from outside."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog

JSON = "application/x-amz-json-1.1"


def test_a_success_is_json_with_a_request_id_and_nothing_added(house):
    response = house.post("GetAccountBalance")

    assert (response.status_code, response.headers["content-type"]) == (200, JSON)
    assert response.json() == {"AvailableBalance": "10000.00"}
    uuid.UUID(response.headers["x-amzn-requestid"])


def test_an_operation_without_output_answers_an_empty_object(house, client):
    hit = house.create_hit(client)

    assert house.post("UpdateExpirationForHIT", {"HITId": hit["HITId"], "ExpireAt": 0}).content == b"{}"


def test_times_leave_as_whole_numbers(house, client):
    hit = house.create_hit(client)
    body = house.post("GetHIT", {"HITId": hit["HITId"]}).text

    assert '"CreationTime":1700000000,' in body
    assert '"Expiration":1700003600,' in body


@pytest.mark.parametrize("operation", ["listHITs", "Help", "GetReviewableHITs", ""])
def test_what_is_not_offered_is_an_unknown_operation(house, operation):
    response = house.post(operation)

    assert (response.status_code, response.json()["__type"]) == (400, "UnknownOperationException")


def test_another_path_method_target_or_content_type_is_an_unknown_operation(house):
    headers = house.signed("GetAccountBalance")
    answers = [
        house.http.get(house.url + "/", headers=headers),
        house.http.post(house.url + "/other", headers=headers, content=b"{}"),
        house.http.post(house.url + "/", headers={**headers, "X-Amz-Target": "Other.GetAccountBalance"}, content=b"{}"),
        house.http.post(house.url + "/", headers={**headers, "Content-Type": "text/plain"}, content=b"{}"),
        house.http.post(house.url + "/", content=b"{}"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 400, 400, 400]
    assert {"UnknownOperationException"} == {answer.json()["__type"] for answer in answers}


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
        b'{"MaxResults":' + b"9" * 5000 + b"}",
        b'{"MaxResults": NaN}',
        b"not json",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"{} {}",
    ],
    ids=["brackets", "braces", "digits", "NaN", "text", "array", "string", "bytes", "two"],
)
def test_hostile_json_is_a_serialization_exception(house, body):
    response = house.post("ListHITs", body)

    assert (response.status_code, response.json()["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"MaxResults": "5"}, "STRING_VALUE can not be converted to Integer"),
        ({"MaxResults": True}, "TRUE_VALUE can not be converted to Integer"),
        ({"MaxResults": 1.5}, "NUMBER_VALUE can not be converted to Integer"),
        ({"MaxResults": 2**31}, "NUMBER_VALUE can not be converted to Integer"),
        ({"NextToken": 7}, "NUMBER_VALUE can not be converted to String"),
        ({"NextToken": {}}, "Start of structure or map found where not expected."),
        ({"NextToken": []}, "Start of list found where not expected"),
        ({"NextToken": "\ud800"}, "A string contains a character that cannot be stored"),
        ({"NextToken": "a\0"}, "A string contains a character that cannot be stored"),
    ],
)
def test_a_value_of_the_wrong_type_is_a_serialization_exception(house, parameters, message):
    assert {"__type": "SerializationException", "message": message} == house.post("ListHITs", parameters).json()


def test_unknown_members_are_ignored_and_null_is_absent(house):
    response = house.post("ListHITs", {"NextToken": None, "MaxResults": None, "Surprise": {"deep": [1]}})

    assert response.json() == {"NumResults": 0, "HITs": []}


def test_an_empty_body_is_an_object_without_members(house):
    assert house.post("ListHITs", b"").status_code == 200


def test_a_number_with_a_point_and_nothing_behind_it_is_whole(house):
    """Some languages write every number like that."""
    assert house.post("ListHITs", {"MaxResults": 5.0}).status_code == 200


def test_an_oversized_body_is_refused_with_an_error_that_clients_can_read(house):
    for size in (1_048_577, 10 * 2**20):
        response = house.post("ListHITs", b" " * size)
        assert (response.status_code, response.json()["__type"]) == (413, "SerializationException")
    assert house.post("ListHITs", b"{" + b" " * 1_048_574 + b"}").status_code == 200


def test_a_wrong_secret_an_unknown_key_and_no_signature_have_errors_of_their_own(house, failure):
    wrong = failure(house.client(secret="wrong").get_account_balance)
    unknown = failure(house.client(access_key="AKIAUNKNOWN").get_account_balance)
    unsigned = house.http.post(
        house.url + "/",
        content=b"{}",
        headers={"Content-Type": JSON, "X-Amz-Target": "MTurkRequesterServiceV20170117.GetAccountBalance"},
    )

    assert wrong[:3] == (403, "InvalidSignatureException", None)
    assert unknown == (
        403,
        "UnrecognizedClientException",
        None,
        "The security token included in the request is invalid.",
    )
    assert (
        unsigned.status_code,
        unsigned.json(),
    ) == (403, {"__type": "MissingAuthenticationTokenException", "message": "Missing Authentication Token"})


def test_a_changed_body_does_not_verify(house):
    response = house.http.post(house.url + "/", content=b'{"MaxResults":1}', headers=house.signed("ListHITs", b"{}"))

    assert (response.status_code, response.json()["__type"]) == (403, "InvalidSignatureException")


def test_the_age_of_a_signature_is_judged_by_the_real_time_not_by_the_rules(house, clock, monkeypatch):
    clock.advance(86_400 * 365)
    assert house.post("GetAccountBalance").status_code == 200

    headers = house.signed("GetAccountBalance")
    monkeypatch.setattr("mturk_gateway.marketplace.server.wall_clock", lambda: 4_000_000_000.0)
    response = house.http.post(house.url + "/", content=b"{}", headers=headers)
    assert (response.status_code, response.json()["__type"]) == (403, "InvalidSignatureException")
    assert response.json()["message"].startswith("Signature expired: ")


def test_a_host_that_a_proxy_replaced_verifies_when_it_is_known(house):
    headers = {**house.signed("GetAccountBalance"), "Host": "internal:8080"}
    refused = house.http.post(house.url + "/", content=b"{}", headers=headers)
    house.hosts = (house.url.removeprefix("http://"),)
    house.restart()
    accepted = house.http.post(house.url + "/", content=b"{}", headers=headers)

    assert (refused.status_code, accepted.status_code) == (403, 200)


def test_health_needs_no_signature(house):
    response = house.http.get(house.url + "/healthz")

    assert (response.status_code, response.text) == (200, "ok")


def test_200_simultaneous_requests_are_all_answered(house, client):
    hit = house.create_hit(client)
    body = json.dumps({"HITId": hit["HITId"]}).encode()
    read = house.signed("GetHIT", body)
    token_bodies = [
        json.dumps({"Title": f"T{n}", "Description": "D", "Reward": "1", "AssignmentDurationInSeconds": 60}).encode()
        for n in range(100)
    ]
    jobs = [(body, read)] * 100 + [(content, house.signed("CreateHITType", content)) for content in token_bodies]

    def send(job):
        return house.http.post(house.url + "/", content=job[0], headers=job[1]).status_code

    with ThreadPoolExecutor(200) as pool:
        assert list(pool.map(send, jobs)) == [200] * 200


def test_an_unexpected_failure_is_a_service_fault_that_says_nothing(house, monkeypatch):
    from mturk_gateway.marketplace.services.lists.tokens import PageTokens

    secret = "hunter2"

    def explode(*_arguments):
        raise RuntimeError(secret)

    house.create_hit(house.client())
    monkeypatch.setattr(PageTokens, "issue", explode)
    with structlog.testing.capture_logs() as logs:
        response = house.post("ListHITs")

    assert response.status_code == 500
    assert response.json() == {
        "__type": "ServiceFault",
        "Message": "The service could not complete the request. (1700000000000)",
        "TurkErrorCode": "AWS.ServiceUnavailable",
    }
    assert [entry["error"] for entry in logs] == ["RuntimeError"]
    assert secret not in str(logs)
