"""Uploaded files, and the links to them (modern-mturk 4.1)."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import select

from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.marketplace.services.judging import uploads
from mturk_gateway.marketplace.services.working import workers
from mturk_gateway.marketplace.tables import uploaded_files
from mturk_gateway.settings import Settings
from support import PROPERTIES, modern_client

CONTENT = bytes(range(256)) * 1000
REFUSED = (403, "text/plain; charset=utf-8", "This link has expired, or was never good.\n")


def store(house, assignment, question="photo", name="bird.png", content=CONTENT):
    with house.database.writing() as connection:
        return uploads.store_file(connection, assignment, question, name, content)


def link(client, assignment, question="photo"):
    return client.get_file_upload_url(AssignmentId=assignment, QuestionIdentifier=question)["FileUploadURL"]


def follow(house, path):
    """Status, content type and text of what is refused."""
    answer = house.http.get(house.url + path)
    return answer.status_code, answer.headers["content-type"], answer.text


@pytest.fixture
def uploaded(house, client):
    """A submitted assignment with one file."""
    assignment = house.accept(house.create_hit(client))
    store(house, assignment)
    house.submit(assignment)
    return assignment


def test_a_file_is_downloaded_as_it_was_uploaded_and_never_shown(house, client):
    assignment = house.accept(house.create_hit(client))
    store(house, assignment, name='<b>"çok".html')
    store(house, assignment, question="other", content=b"other")
    house.submit(assignment)
    answer = house.http.get(house.url + link(client, assignment))

    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert {
        name: answer.headers[name] for name in ("content-type", "content-disposition", "x-content-type-options")
    } == {
        "content-type": "application/octet-stream",
        "content-disposition": "attachment; filename*=UTF-8''%3Cb%3E%22%C3%A7ok%22.html",
        "x-content-type-options": "nosniff",
    }


def test_a_link_is_good_for_a_minute(house, client, clock, uploaded):
    path = link(client, uploaded)
    assert parse_qs(urlsplit(path).query)["expires"] == [str(clock.now + 60)]
    clock.advance(59)
    assert house.http.get(house.url + path).content == CONTENT
    clock.advance(1)
    assert follow(house, path) == REFUSED
    assert house.http.get(house.url + link(client, uploaded)).content == CONTENT


def test_a_link_outlives_a_restart(house, client, uploaded):
    path = link(client, uploaded)
    house.restart()
    assert house.http.get(house.url + path).content == CONTENT


def test_a_link_that_was_changed_opens_nothing(house, client, clock, uploaded):
    other = store(house, uploaded, question="other")
    path = link(client, uploaded)
    key = urlsplit(path).path.removeprefix("/files/")
    signature = parse_qs(urlsplit(path).query)["signature"][0]
    expires = str(clock.now + 60)

    def changed(key=key, expires=expires, signature=signature):
        return f"/files/{key}?expires={expires}&signature={signature}"

    assert changed() == path
    forged = [
        changed(key=other),
        changed(expires=clock.now + 61),
        changed(expires="9" * 5000),
        changed(expires="soon"),
        changed(signature=signature[:-1]),
        changed(signature="%C3%A9"),
        f"/files/{key}",
        "/files/",
    ]
    assert [follow(house, path) for path in forged] == [REFUSED] * len(forged)


def test_a_second_file_for_a_question_takes_the_place_of_the_first(house, client):
    assignment = house.accept(house.create_hit(client))
    store(house, assignment, name="first.png")
    store(house, assignment, question="other")
    key = store(house, assignment, content=b"second")
    house.submit(assignment)

    assert urlsplit(link(client, assignment)).path == f"/files/{key}"
    assert house.http.get(house.url + link(client, assignment)).content == b"second"
    assert house.http.get(house.url + link(client, assignment, "other")).content == CONTENT
    with house.database.reading() as connection:
        kept = connection.execute(select(uploaded_files.c.question).order_by(uploaded_files.c.question))
        assert kept.scalars().all() == ["other", "photo"]


def test_a_file_may_have_25_mebibytes(house, client):
    assignment = house.accept(house.create_hit(client))
    largest = bytes(25 * 1024 * 1024)
    store(house, assignment, content=largest)
    with pytest.raises(ValueError, match="at most 26214400 bytes"):
        store(house, assignment, content=largest + b"!")
    house.submit(assignment)

    assert house.http.get(house.url + link(client, assignment)).content == largest


def test_a_question_without_a_file_is_an_invalid_value(client, failure, uploaded):
    assert failure(client.get_file_upload_url, AssignmentId=uploaded, QuestionIdentifier="dots") == (
        400,
        "ParameterValidationError",
        "AWS.MechanicalTurk.InvalidParameterValue",
        'The value "dots" is not valid for the parameter QuestionIdentifier. (1700000000000)',
    )


def test_only_the_requesters_own_assignments_have_links(house, client, failure, uploaded):
    for asking, assignment in ((house.client("bob"), uploaded), (client, "3NOBODYS")):
        assert failure(asking.get_file_upload_url, AssignmentId=assignment, QuestionIdentifier="photo") == (
            400,
            "RequestError",
            "AWS.MechanicalTurk.AssignmentDoesNotExist",
            f"Assignment {assignment} does not exist. (1700000000000)",
        )


def test_work_in_progress_has_no_links(house, client, failure):
    assignment = house.accept(house.create_hit(client))
    store(house, assignment)

    assert failure(client.get_file_upload_url, AssignmentId=assignment, QuestionIdentifier="photo") == (
        400,
        "RequestError",
        "AWS.MechanicalTurk.InvalidAssignmentState",
        "This operation can be called with a status of: Reviewable,Approved,Rejected (1700000000000)",
    )


def upload_through(gateway, clock):
    """A link from the whole gateway to an uploaded file."""
    with modern_client(gateway.url, gateway.add_requester("lab")) as client:
        hit = client.create_hit(**PROPERTIES)["HIT"]["HITId"]
        with gateway.house.marketplace.writing() as connection:
            assignment = workers.accept(connection, hit, "A1WORKER", clock.now)
            uploads.store_file(connection, assignment, "photo", "bird.png", CONTENT)
            workers.submit(connection, assignment, (), clock.now)
        return link(client, assignment)


def test_links_lead_to_the_gateways_public_address(tmp_path, clock):
    with EmbeddedGateway(Settings(data=tmp_path / "data"), clock) as gateway:
        url = upload_through(gateway, clock)
        got = httpx.get(url, trust_env=False)
        clock.advance(60)
        late = httpx.get(url, trust_env=False)
        unsigned = httpx.get(url.partition("?")[0], trust_env=False)

    assert url.startswith(f"{gateway.url}/files/")
    assert (got.status_code, got.content) == (200, CONTENT)
    assert {name: got.headers[name] for name in ("content-type", "content-disposition", "x-content-type-options")} == {
        "content-type": "application/octet-stream",
        "content-disposition": "attachment; filename*=UTF-8''bird.png",
        "x-content-type-options": "nosniff",
    }
    assert [(a.status_code, a.headers["content-type"], a.text) for a in (late, unsigned)] == [REFUSED] * 2


def test_links_begin_with_the_name_that_a_proxy_has(tmp_path, clock):
    settings = Settings(data=tmp_path / "data", public_url="https://mturk.example.org/")
    with EmbeddedGateway(settings, clock) as gateway:
        url = upload_through(gateway, clock)

    assert url.startswith("https://mturk.example.org/files/")


def test_another_upstream_has_no_files_here(foreign_gateway):
    gateway, _ = foreign_gateway("http://127.0.0.1:9")

    assert httpx.get(f"{gateway.url}/files/3KEY", trust_env=False).status_code == 404
