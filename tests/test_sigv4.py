"""Signature Version 4, checked against requests that botocore signs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from mturk_gateway.sigv4 import SignatureFault, SignedRequest, access_key_of, verify

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def signed(
    *, body=b"{}", url="http://example.org:8080/", headers=(), service="mturk-requester", token=None, region="us-east-1"
):
    """A request as botocore signs it, and the moment it was signed at."""
    request = AWSRequest("POST", url, data=body, headers={"X-Amz-Target": "T.ListHITs", **dict(headers)})
    SigV4Auth(Credentials("AKIDEXAMPLE", SECRET, token), service, region).add_auth(request)
    prepared = request.prepare()
    items = [(name.lower(), value) for name, value in prepared.headers.items()]
    given_headers = [(name, value.decode() if isinstance(value, bytes) else value) for name, value in items]
    rest = prepared.url.split("/", 3)[3]
    path, _, query = rest.partition("?")
    if "host" not in dict(given_headers):
        given_headers.append(("host", prepared.url.split("/")[2]))
    stamp = dict(given_headers)["x-amz-date"]
    now = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    return SignedRequest("POST", "/" + path, query, given_headers, body), now


def replaced(request, **headers):
    """The request with other values for headers; None leaves one out. Underscores stand for hyphens."""
    changes = {name.replace("_", "-"): value for name, value in headers.items()}
    kept = [(name, value) for name, value in request.headers if name not in changes]
    kept += [(name, value) for name, value in changes.items() if value is not None]
    return SignedRequest(request.method, request.path, request.query, kept, request.body)


def refusal(request, now, secret=SECRET, **options):
    with pytest.raises(SignatureFault) as caught:
        verify(request, secret, now, **options)
    return caught.value.type, caught.value.status


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"body": "ünïcode".encode()},
        {"body": b""},
        {"url": "http://example.org/"},
        {"url": "http://example.org/a%20b/c/"},
        {"url": "http://example.org/?b=2&a=1&a=0&empty=&x=%20%2F"},
        {"region": "eu-central-1"},
        {"token": "session/token=="},
        {"headers": {"X-Custom": "  two   spaces "}},
        {"headers": {"Content-Type": "application/x-amz-json-1.1"}},
    ],
)
def test_what_botocore_signs_verifies_and_with_another_secret_does_not(options):
    request, now = signed(**options)

    assert access_key_of(request) == "AKIDEXAMPLE"
    verify(request, SECRET, now)
    assert refusal(request, now, secret="other") == ("InvalidSignatureException", 403)


def test_every_signed_part_is_covered():
    request, now = signed()
    changed = [
        SignedRequest("GET", request.path, request.query, request.headers, request.body),
        SignedRequest("POST", "/x", request.query, request.headers, request.body),
        SignedRequest("POST", request.path, "a=1", request.headers, request.body),
        SignedRequest("POST", request.path, request.query, request.headers, b"[]"),
        replaced(request, x_amz_target="T.DeleteHIT"),
        replaced(request, host="example.net"),
        replaced(request, host=None),
    ]

    assert [refusal(each, now) for each in changed] == [("InvalidSignatureException", 403)] * 7


def test_headers_that_are_not_signed_do_not_matter():
    request, now = signed()

    verify(replaced(request, amz_sdk_invocation_id="1", user_agent="x"), SECRET, now)


def test_an_alternate_host_verifies_when_it_is_the_one_signed():
    request, now = signed()
    behind_proxy = replaced(request, host="internal")

    verify(behind_proxy, SECRET, now, hosts=("other", "example.org:8080"))
    assert refusal(behind_proxy, now, hosts=("other",)) == ("InvalidSignatureException", 403)


def test_a_signature_is_good_for_15_minutes_either_way():
    request, now = signed()
    verify(request, SECRET, now + 900)
    verify(request, SECRET, now - 900)

    for moment, text in ((now + 901, "Signature expired: "), (now - 901, "Signature not yet current: ")):
        with pytest.raises(SignatureFault) as caught:
            verify(request, SECRET, moment)
        assert (caught.value.type, caught.value.status) == ("InvalidSignatureException", 403)
        assert caught.value.message.startswith(text)


def test_a_stated_body_hash_must_be_the_bodys_own():
    stated = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    request, now = signed(headers={"X-Amz-Content-SHA256": stated})
    verify(request, SECRET, now)

    unsigned, now = signed(headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    assert refusal(unsigned, now) == ("InvalidSignatureException", 403)


def test_the_scope_must_name_the_service_and_the_day():
    request, now = signed(service="mechanicalturk")
    assert refusal(request, now) == ("InvalidSignatureException", 403)

    request, now = signed()
    moved = replaced(request, x_amz_date="20200101T000000Z")
    assert refusal(moved, 1_577_836_800) == ("InvalidSignatureException", 403)


def test_no_authorization_is_a_missing_token():
    request, now = signed()

    assert refusal(replaced(request, authorization=None), now) == ("MissingAuthenticationTokenException", 403)


@pytest.mark.parametrize(
    "change",
    [
        {"authorization": ""},
        {"authorization": "AWS AKID:signature"},
        {"authorization": "AWS4-HMAC-SHA256"},
        {"authorization": "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=" + "0" * 64},
        {"authorization": "AWS4-HMAC-SHA256 Credential=a/20261122/r/mturk-requester/aws4_request, Signature=00"},
        {
            "authorization": "AWS4-HMAC-SHA256 Credential=a/20261122/r/mturk-requester/aws4_request, "
            "SignedHeaders=x-amz-date, Signature=" + "0" * 64
        },
        {
            "authorization": "AWS4-HMAC-SHA256 Credential=a/20261122/r/mturk-requester/aws4_request, "
            "SignedHeaders=host, Signature=short"
        },
        {"x_amz_date": None},
        {"x_amz_date": "yesterday"},
    ],
)
def test_half_a_signature_is_incomplete(change):
    request, now = signed()

    assert refusal(replaced(request, **change), now) == ("IncompleteSignatureException", 400)


def test_a_date_that_does_not_exist_is_incomplete():
    request, now = signed()
    day = request.values("x-amz-date")[0][:8]
    impossible = replaced(request, x_amz_date=f"{day}T996199Z")

    assert refusal(impossible, now) == ("IncompleteSignatureException", 400)


def test_the_target_must_be_signed():
    request, now = signed()
    header = request.values("authorization")[0].replace("x-amz-date;x-amz-target", "x-amz-date")

    assert refusal(replaced(request, authorization=header), now) == ("InvalidSignatureException", 403)


@given(
    st.text(),
    st.text(),
    st.text(),
    st.lists(st.tuples(st.sampled_from(["authorization", "x-amz-date", "host", "x-amz-target"]), st.text())),
    st.text(alphabet="abcdefghost;-,= ", max_size=40),
)
def test_no_request_whatever_raises_anything_but_a_signature_fault(method, path, query, headers, names):
    scope = "AK/20261122/us-east-1/mturk-requester/aws4_request"
    header = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;{names}, Signature={'0' * 64}"
    for extra in ([], [("authorization", header), ("x-amz-date", "20261122T000000Z")]):
        request = SignedRequest(method, path, query, [*headers, *extra], b"")
        with pytest.raises(SignatureFault):
            verify(request, SECRET, 1_795_305_600)
