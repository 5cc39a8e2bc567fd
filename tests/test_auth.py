"""The legacy signature schemes, against vectors from the specification and the ways in which clients bend them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import pytest

from golden import FIXTURES
from mturk_gateway import auth
from mturk_gateway.auth import authenticate, claim_of, sign, standard_string, version_1_string
from mturk_gateway.credentials import Requester
from mturk_translators.faults import BAD_CLAIMS, NOT_AUTHORIZED, Fault, Place
from mturk_translators.query import Pair, merge, parse_pairs

NOW = datetime(2012, 1, 31, 23, 59, 59, tzinfo=UTC).timestamp()
STAMP = "2012-01-31T23:59:59Z"
LAB = Requester("lab", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
SKEW = 900

VECTORS = [json.loads(path.read_bytes()) for path in sorted((FIXTURES / "signatures").glob("*.json"))]
VECTOR_NAMES = [path.stem for path in sorted((FIXTURES / "signatures").glob("*.json"))]


def find(access_key):
    return LAB if access_key == LAB.access_key else None


def pairs_of(parameters):
    return tuple(Pair(*item) for item in parameters.items())


def signed(timestamp=STAMP, *, operation="GetHIT", secret=LAB.secret, over=None, **more):
    """A request with the standard signature over `over`, or over the timestamp that it has."""
    signature = sign(secret, standard_string(operation, over or timestamp))
    named = {"AWSAccessKeyId": LAB.access_key, "Operation": operation, "Timestamp": timestamp, "Signature": signature}
    return pairs_of({**named, **more})


def signed_version_1(secret=LAB.secret, **more):
    pairs = pairs_of(
        {"AWSAccessKeyId": LAB.access_key, "Operation": "GetHIT", "SignatureVersion": "1", "Timestamp": STAMP, **more}
    )
    return (*pairs, Pair("Signature", sign(secret, version_1_string(pairs))))


def accepted(pairs, now=NOW, clock_skew=SKEW, find=find):
    return authenticate(claim_of(pairs), find, now, clock_skew)


def refusal(pairs, now=NOW, clock_skew=SKEW, find=find):
    """The code and message of a refusal, which always concerns the request as a whole and has status 200."""
    with pytest.raises(Fault) as caught:
        authenticate(claim_of(pairs), find, now, clock_skew)
    assert (caught.value.place, caught.value.status) == (Place.WHOLE, 200)
    return caught.value.code, caught.value.message


@pytest.mark.parametrize("vector", VECTORS, ids=VECTOR_NAMES)
def test_vectors(vector):
    """The signature is that of the string, and the gateway takes it for the parameters."""
    assert sign(vector["secret"], vector["string_to_sign"]) == vector["signature"]
    pairs = (*pairs_of(vector["parameters"]), Pair("Signature", vector["signature"]))
    assert accepted(pairs) is LAB
    assert refusal(pairs, find=lambda _: Requester("lab", "k", "another secret"))[0] == NOT_AUTHORIZED


@pytest.mark.parametrize("vector", VECTORS, ids=VECTOR_NAMES)
def test_no_vector_holds_for_another_operation(vector):
    parameters = {**vector["parameters"], "Operation": "ApproveAssignment"}
    assert refusal((*pairs_of(parameters), Pair("Signature", vector["signature"])))[0] == NOT_AUTHORIZED


def test_version_1_covers_every_parameter_and_the_standard_signature_none():
    assert accepted(signed(HITId="A")) is LAB
    assert accepted((*signed(), Pair("HITId", "B"))) is LAB
    assert accepted(signed_version_1(HITId="A")) is LAB
    assert refusal((*signed_version_1(HITId="A"), Pair("Extra", "B")))[0] == NOT_AUTHORIZED


def test_version_1_sorts_without_regard_to_case():
    """As boto sorts: a byte-wise order would put `AWSAccessKeyId` before `AssignmentId`."""
    pairs = pairs_of({"AWSAccessKeyId": "k", "b": "2", "AssignmentId": "a", "C": "3", "Signature": "left out"})
    assert version_1_string(pairs) == "AssignmentIdaAWSAccessKeyIdkb2C3"


def test_an_unknown_key_is_refused_in_the_words_of_a_wrong_secret():
    wrong_secret = refusal(signed(secret="wrong"))
    assert wrong_secret[0] == NOT_AUTHORIZED
    assert wrong_secret == refusal(signed(AWSAccessKeyId="AKIDNOBODY"))
    assert wrong_secret == refusal(signed_version_1(secret="wrong"))


@pytest.mark.parametrize("stamp", [STAMP, "2012-01-31T23:59:59.77Z"])
def test_an_unknown_key_costs_the_comparisons_of_a_wrong_secret(monkeypatch, stamp):
    """Who is refused cannot tell by the time it took whether the key is somebody's: every form was tried."""
    compared = []
    compare = auth.hmac.compare_digest
    monkeypatch.setattr(auth.hmac, "compare_digest", lambda *texts: compared.append(texts) or compare(*texts))
    refusal(signed(stamp, secret="wrong"))
    known = len(compared)
    refusal(signed(stamp, AWSAccessKeyId="AKIDNOBODY"))

    assert known == (1 if stamp == STAMP else 3)
    assert len(compared) == 2 * known


def test_an_empty_secret_is_nobodys_key():
    """An unknown key is compared with the signature of an empty secret, which anybody can compute."""
    assert refusal(signed(secret="", AWSAccessKeyId="AKIDNOBODY"))[0] == NOT_AUTHORIZED


@pytest.mark.parametrize("name", ["AWSAccessKeyId", "Signature", "Timestamp"])
@pytest.mark.parametrize("sent", ["", None])
def test_absent_credentials(name, sent):
    pairs = tuple(pair for pair in signed() if pair.name != name)
    assert refusal(pairs if sent is None else (*pairs, Pair(name, sent)))[0] == NOT_AUTHORIZED


@pytest.mark.parametrize("version", ["0", "2", "01", "x", " 1"])
def test_signature_versions_that_no_client_used(version):
    assert refusal(signed(SignatureVersion=version))[0] == NOT_AUTHORIZED
    parameters = {**dict(signed()), "SignatureVersion": version}
    del parameters["Signature"]
    signature = sign(LAB.secret, version_1_string(pairs_of(parameters)))
    assert refusal((*pairs_of(parameters), Pair("Signature", signature)))[0] == NOT_AUTHORIZED


def test_the_standard_signature_is_none_of_version_1():
    assert refusal(signed(SignatureVersion="1"))[0] == NOT_AUTHORIZED


@pytest.mark.parametrize("sign_of", [1, -1])
def test_the_window_is_closed_after_fifteen_minutes_each_way(sign_of):
    assert accepted(signed(), NOW + sign_of * 900) is LAB
    assert refusal(signed(), NOW + sign_of * 900.001)[0] == BAD_CLAIMS
    assert refusal(signed(), NOW + sign_of * 901)[0] == BAD_CLAIMS


def test_a_stale_timestamp_is_answered_with_the_time_here():
    code, message = refusal(signed(), NOW + 3600)
    assert code == BAD_CLAIMS
    assert message.startswith("The specified claims are invalid.")
    assert "2012-02-01T00:59:59Z" in message


@pytest.mark.parametrize("own", [0, 60, 7200])
def test_a_requester_may_have_a_window_of_their_own(own):
    """One PHP client writes local time marked Z and needs hours; 0 is a window, not the lack of one."""
    requester = Requester("lab", LAB.access_key, LAB.secret, clock_skew=own)
    assert accepted(signed(), NOW + own, find=lambda _: requester) is requester
    assert refusal(signed(), NOW + own + 1, find=lambda _: requester)[0] == BAD_CLAIMS


def test_a_wrong_signature_counts_before_a_stale_timestamp():
    assert refusal(signed(secret="wrong"), NOW + 3600)[0] == NOT_AUTHORIZED


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        ("2012-01-31T23:59:59Z", 0),
        ("2012-01-31T18:59:59-05:00", 0),
        ("2012-02-01T05:29:59+05:30", 0),
        ("2012-01-31T23:59:59", 0),
        ("2012-01-31T23:59:59.5Z", 0.5),
        ("2012-01-31T23:59:59.123456789Z", 0.123456),
        ("2012-01-31T18:59:59.77-05:00", 0.77),
        ("2012-01-31T23:59:59-00:00", 0),
    ],
)
def test_forms_of_a_timestamp(stamp, seconds):
    """Each means a moment to the fraction; without a zone it is UTC."""
    assert accepted(signed(stamp), NOW + seconds, clock_skew=0.001) is LAB
    assert refusal(signed(stamp), NOW + seconds + 2, clock_skew=1)[0] == BAD_CLAIMS


@pytest.mark.parametrize(
    ("sent", "over", "good"),
    [
        ("2012-01-31T23:59:59.77Z", "2012-01-31T23:59:59.770Z", True),
        ("2012-01-31T23:59:59.7Z", "2012-01-31T23:59:59.700Z", True),
        ("2012-01-31T23:59:59.770Z", "2012-01-31T23:59:59.77Z", True),
        ("2012-01-31T23:59:59.000Z", "2012-01-31T23:59:59Z", True),
        ("2012-01-31T23:59:59.77Z", "2012-01-31T23:59:59Z", True),
        ("2012-01-31T23:59:59.77-05:00", "2012-01-31T23:59:59.770-05:00", True),
        ("2012-01-31T23:59:59Z", "2012-01-31T23:59:59.000Z", False),
        ("2012-01-31T23:59:59.77Z", "2012-01-31T23:59:59.78Z", False),
        ("2012-01-31T23:59:59.77Z", "2012-01-31T23:59:59.7Z", False),
        ("2012-01-31T23:59:59.77Z", "2012-01-31T23:59:59.77", False),
        ("2012-01-31T23:59:59-05:00", "2012-02-01T04:59:59Z", False),
    ],
)
def test_a_signature_over_another_writing_of_the_fraction(sent, over, good):
    """The fraction filled to three digits, without its trailing zeros or left out; never another moment."""
    pairs = signed(sent, over=over)
    if good:
        assert accepted(pairs, clock_skew=6 * 3600) is LAB
    else:
        assert refusal(pairs, clock_skew=6 * 3600)[0] == NOT_AUTHORIZED


@pytest.mark.parametrize(
    "stamp",
    [
        "now",
        "2012-01-31",
        "2012-01-31 23:59:59Z",
        "20120131T235959Z",
        "2012-02-30T00:00:00Z",
        "2012-01-31T24:30:00Z",
        "2012-01-31T23:59:59z",
        "2012-01-31T23:59:59.Z",
        "2012-01-31T23:59:59+0500",
        "2012-01-31T23:59:59+99:00",
        "٢٠١٢-01-31T23:59:59Z",
        " 2012-01-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "1328054399",
    ],
)
def test_a_timestamp_that_is_none(stamp):
    assert refusal(signed(stamp))[0] == BAD_CLAIMS


def test_a_plus_that_arrived_as_a_space():
    """Base64 sent without escaping: `+6rasmqV71Uv0sTEMTbuvIY/kzY=` begins with a space after decoding."""
    body = (
        f"AWSAccessKeyId={LAB.access_key}&Operation=GetAccountBalance&Timestamp={STAMP}"
        "&Signature=+6rasmqV71Uv0sTEMTbuvIY/kzY="
    )
    pairs = parse_pairs(body.encode())
    assert ("Signature", " 6rasmqV71Uv0sTEMTbuvIY/kzY=") in pairs
    assert accepted(pairs) is LAB


def encoded(pairs):
    return urlencode(pairs, quote_via=quote).encode()


SERVICE = Pair("Service", auth.SERVICE)


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (encoded, lambda _: b""),
        (lambda _: b"", encoded),
        (lambda pairs: encoded(pairs[:2]), lambda pairs: encoded(pairs[2:])),
        (lambda _: encoded([SERVICE]), lambda pairs: b"&" + encoded(pairs)),
        (lambda _: encoded([SERVICE]), lambda pairs: encoded([SERVICE, *pairs])),
        (encoded, encoded),
        (lambda _: b"&&", lambda pairs: b"&" + encoded(pairs) + b"&&"),
    ],
    ids=["url", "body", "split", "MTurkR", "Perl SDK", "all twice", "empty pairs"],
)
@pytest.mark.parametrize("make", [signed, signed_version_1])
def test_parameters_of_url_and_body(make, url, body):
    """Wherever the parameters stand, they are one list; version 1 covers `Service` when the client signed it."""
    if make is signed_version_1 and SERVICE in parse_pairs(url(())) + parse_pairs(body(())):
        pairs = make(Service=auth.SERVICE)
    else:
        pairs = make()
    assert accepted(merge(parse_pairs(url(pairs)), parse_pairs(body(pairs)))) is LAB


def test_an_operation_that_is_absent_is_signed_as_nothing():
    """Authentication comes before the operation is looked at (legacy-common 2)."""
    pairs = tuple(pair for pair in signed(operation="") if pair.name != "Operation")
    assert accepted(pairs) is LAB


@pytest.mark.parametrize("signature", ["", "é", "=", "+6rasmqV71Uv0sTEMTbuvIY/kzY", "A" * 10_000])
def test_signatures_that_are_none(signature):
    assert refusal(signed(Signature=signature))[0] == NOT_AUTHORIZED
