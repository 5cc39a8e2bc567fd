"""A line for each request, by which it is found again."""

from __future__ import annotations

import io
import json
import socket
from urllib.parse import urlsplit

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from fronts import front_of, request_id_of
from mturk_gateway.observing.logs import RequestLog, add_request
from mturk_gateway.observing.reports import Report
from support import ScriptedUpstream, free_port, get, modern_client, post, signed_pairs, signed_query


def test_the_line_about_a_legacy_request_has_the_id_of_its_answer(gateway, requester):
    body = signed_query(requester, "SearchHITs", ("Version", "2012-03-25"))
    with front_of(gateway) as front:
        answer = httpx.post(
            front.url, content=body, headers={"User-Agent": "rest-client/2.1.0", "Host": "mturk.sandbox.example"}
        )
    line = front.line(request_id_of(answer))

    assert line["level"] == "info"
    assert line["event"] == "request"
    assert line["timestamp"].endswith("Z")
    assert line["milliseconds"] > 0
    del line["timestamp"], line["milliseconds"], line["walk"], line["request_id"], line["level"], line["event"]
    assert line == {
        "protocol": "legacy",
        "operation": "SearchHITs",
        "version": "2012-03-25",
        "requester": requester.profile,
        "program": "rturk",
        "user_agent": "rest-client/2.1.0",
        "peer": "127.0.0.1",
        "sandbox": True,
        "status": 200,
        "code": "",
    }


def test_the_line_about_a_modern_request_has_the_id_that_the_client_was_told(gateway, requester):
    with front_of(gateway) as front, modern_client(front.url, requester) as client:
        good = client.list_hits()["ResponseMetadata"]["RequestId"]
        with pytest.raises(ClientError) as refused:
            client.get_hit(HITId="3NONE")

    line = front.line(good)
    assert (line["protocol"], line["operation"], line["requester"]) == ("modern", "ListHITs", requester.profile)
    assert (line["program"], line["status"], line["code"]) == ("boto3", 200, "")
    bad = front.line(refused.value.response["ResponseMetadata"]["RequestId"])
    assert (bad["operation"], bad["status"], bad["code"]) == ("GetHIT", 400, "RequestError")


def test_what_the_front_itself_refuses_has_a_line_with_the_id_of_the_refusal(gateway):
    with front_of(gateway) as front:
        answers = {
            "nothing": get(f"{front.url}/nothing"),
            "empty": get(f"{front.url}/"),
            "method": httpx.delete(f"{front.url}/"),
            "soap": httpx.post(f"{front.url}/", content="<Envelope/>", headers={"Content-Type": "text/xml"}),
        }
        client = boto3.client(
            "mturk",
            endpoint_url=front.url,
            region_name="us-east-1",
            aws_access_key_id="AKIDNOBODY",
            aws_secret_access_key="x",
            config=Config(retries={"total_max_attempts": 1}),
        )
        with pytest.raises(ClientError) as refused:
            client.list_hits()
        client.close()

    for name, answer in answers.items():
        line = front.line(request_id_of(answer))
        assert (line["status"], line["requester"]) == (answer.status_code, None), name
        assert line["code"] in answer.text, name
    line = front.line(refused.value.response["ResponseMetadata"]["RequestId"])
    assert (line["protocol"], line["code"], line["status"]) == ("modern", "UnrecognizedClientException", 403)


def test_what_is_no_http_has_a_line_with_the_id_of_the_refusal(gateway):
    address = urlsplit(gateway.url)
    with capture_logs() as lines, socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(b"what is this?\r\n\r\n")
        answer = connection.makefile("rb").read().decode()

    (line,) = [line for line in lines if line["event"] == "request"]
    assert f"<RequestID>{line['request_id']}</RequestID>" in answer
    assert (line["status"], line["code"], line["peer"]) == (400, "InvalidRequest", "127.0.0.1")


def test_nobody_can_write_lines_of_their_own(gateway, requester):
    """Line ends, control characters, what is not UTF-8, and endless texts stay inside the values of one line."""
    forged = 'X"}\n{"event":"forged\x1b[31m\u2028'
    with front_of(gateway) as front:
        answer = post(f"{front.url}/", signed_query(requester, forged))
        other = httpx.get(front.url, headers={"User-Agent": b"\xff\xfe\x9b" + b"a" * 5000})
        modern = httpx.post(front.url, headers={"X-Amz-Target": "MTurk." + "Z" * 5000})

    assert len(front.lines) == 3
    assert front.line(request_id_of(answer))["operation"] == forged
    assert len(front.line(request_id_of(other))["user_agent"]) == 200
    assert len(front.line(modern.headers["x-amzn-requestid"])["operation"]) == 200


def test_half_a_character_from_an_upstream_loses_no_line():
    stream = io.BytesIO()
    log = RequestLog(stream)
    log.note(Report(protocol="modern", code="Odd\ud800"))
    log.note(Report(protocol="modern", code="Next"))
    log.write()

    assert [json.loads(line)["code"] for line in stream.getvalue().splitlines()] == ["Odd?", "Next"]


def test_no_line_has_secrets_signatures_or_values_of_parameters(gateway, requester):
    pairs = signed_pairs(requester, "NotifyWorkers", ("Subject", "privatesubject"), ("WorkerId.1", "A1PRIVATE"))
    signature = dict(pairs)["Signature"]
    with front_of(gateway) as front:
        httpx.post(front.url, data=dict(pairs))
        httpx.get(front.url, params=dict(pairs))
        with modern_client(front.url, requester) as client:
            client.notify_workers(Subject="privatesubject", MessageText="privatetext", WorkerIds=["A1PRIVATE"])

    told = json.dumps(front.lines)
    assert len(front.lines) == 3
    for private in (requester.secret, requester.access_key, signature, "private", "A1PRIVATE"):
        assert private not in told


def test_a_failed_walk_is_found_from_the_request_that_waited_for_it(foreign_gateway):
    with ScriptedUpstream(lambda *_: (400, {"__type": "RequestError", "Message": "no"})) as upstream:
        gateway, requester = foreign_gateway(upstream.url)
        with capture_logs([merge_contextvars]) as lines, front_of(gateway) as front:
            answer = post(f"{front.url}/", signed_query(requester, "SearchHITs"))

    (failed,) = [line for line in lines if line["event"] == "walk failed"]
    assert front.line(request_id_of(answer))["walk"] == failed["walk"]


def test_trouble_with_the_upstream_is_found_from_the_request_that_met_it(foreign_gateway):
    gateway, requester = foreign_gateway(f"http://127.0.0.1:{free_port()}")
    with capture_logs([add_request]) as lines:
        answer = post(f"{gateway.url}/", signed_query(requester, "GetHIT", ("HITId", "3ANY")))

    (trouble,) = [line for line in lines if line["event"] == "upstream unreachable"]
    assert trouble["request_id"] == request_id_of(answer)


def test_questions_about_health_are_not_written_down(gateway):
    with front_of(gateway) as front:
        assert get(f"{front.url}/healthz").is_success
        assert get(f"{front.url}/readyz").is_success

    assert front.lines == []
