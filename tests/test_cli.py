"""The command line, as a person uses it."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import pytest
from click.testing import CliRunner

from mturk_gateway.__main__ import main
from mturk_gateway.clock import wall_clock
from mturk_gateway.credentials import Requester, read_profiles, write_profile
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.settings import Settings, SettingsError, load_settings, option_name, variable_name
from mturk_translators.xml import parse
from support import ask, fill, get, modern_client, one, texts


@pytest.fixture
def run(tmp_path):
    """Run a command on a data folder of its own; gives its output, or the message with which it failed."""

    def command(*words, fails=False, data=tmp_path / "data"):
        result = CliRunner().invoke(main, [*words, "--data", str(data)], catch_exceptions=False)
        assert bool(result.exit_code) == fails, result.output
        return result.output

    return command


def test_requesters_are_added_listed_and_rotated(run, tmp_path):
    added = run("requester", "add", "lab")
    before = read_profiles(tmp_path / "data" / "credentials")
    rotated = run("requester", "rotate", "lab")
    after = read_profiles(tmp_path / "data" / "credentials")

    assert before[0].access_key in added
    assert before[0].secret in added
    assert after[0].access_key in rotated
    assert before[0].access_key != after[0].access_key
    assert run("requester", "list").split("\t")[:2] == ["lab", after[0].access_key]
    assert stat.S_IMODE((tmp_path / "data" / "credentials").stat().st_mode) == 0o600


def test_the_same_name_twice_and_unknown_names_are_refused_in_words(run):
    run("requester", "add", "lab")

    assert "already" in run("requester", "add", "lab", fails=True)
    assert "nobody" in run("requester", "rotate", "nobody", fails=True)


def test_profiles_keep_their_keys_when_they_are_imported(run, tmp_path):
    file = tmp_path / "aws"
    write_profile(file, Requester("old", "AKIDOLD", "secret/+="))
    write_profile(file, Requester("other", "AKIDOTHER", "x", sandbox=True, clock_skew=7200))
    with file.open("a") as stream:
        stream.write("\n[role-only]\nrole_arn = arn:aws:iam::1:role/x\n")

    assert run("requester", "import", str(file)).split() == ["old", "other"]
    assert run("requester", "import", str(file)).split() == ["old", "other"]
    assert read_profiles(tmp_path / "data" / "credentials") == read_profiles(file)


def test_an_added_requester_is_served_at_once_and_a_rotated_key_no_longer(gateway, run):
    data = gateway.settings.data
    run("requester", "add", "walk-in", data=data)
    requester = {profile.profile: profile for profile in read_profiles(data / "credentials")}["walk-in"]
    assert texts(ask(gateway.url, requester, "GetAccountBalance"), "Amount") == ["10000.00"]

    run("requester", "rotate", "walk-in", data=data)
    assert one(ask(gateway.url, requester, "GetAccountBalance"), "Code") == "AWS.NotAuthorized"


def test_sign_prints_a_url_that_the_gateway_answers(gateway, requester, run):
    url = run(
        "sign",
        "Operation=SearchHITs&PageSize=5",
        "--profile",
        requester.profile,
        "--endpoint",
        gateway.url,
        data=gateway.settings.data,
    )
    answer = parse(get(url.strip()).content)

    assert answer.tag == "SearchHITsResponse"
    assert one(answer, "IsValid") == "True"


def test_sign_names_the_profiles_there_are(run):
    run("requester", "add", "a")
    run("requester", "add", "b")

    assert "a, b" in run("sign", "Operation=X", fails=True)


def test_stand_in_workers_accept_and_submit(gateway, requester, run):
    (hit,) = fill(gateway, requester, [({}, int(wall_clock()))])
    data = gateway.settings.data
    assignment = run("worker", "accept", hit, "--worker", "A1STANDIN", data=data).strip()
    run("worker", "submit", assignment, "--answer", "colour=a < b", "--answer", "n=1=2", data=data)

    page = ask(gateway.url, requester, "GetAssignmentsForHIT", HITId=hit)
    assert one(page, "AssignmentId") == assignment
    answers = parse(one(page, "Answer"))
    assert [element.text for element in answers.iter("{*}FreeText")] == ["a < b", "1=2"]
    assert "already" in run("worker", "accept", hit, "--worker", "A1STANDIN", data=data, fails=True)


def test_usage_is_counted_and_survives_a_restart(run, tmp_path):
    settings = Settings(data=tmp_path / "data")
    with EmbeddedGateway(settings) as gateway:
        requester = gateway.add_requester("counted")
        ask(gateway.url, requester, "GetAccountBalance")
        ask(gateway.url, requester, "GetAccountBalance")
        with modern_client(gateway.url, requester) as modern:
            modern.get_account_balance()

    assert run("requester", "list").rstrip().split("\t")[-2:] == ["legacy 2", "modern 1"]


def test_every_setting_has_an_option_a_variable_and_a_key(tmp_path):
    """And they override each other in this order."""
    help_text = CliRunner().invoke(main, ["serve", "--help"]).output
    for setting in fields(Settings):
        assert option_name(setting.name) in help_text
        assert variable_name(setting.name) in "".join(help_text.split())
    file = tmp_path / "settings.toml"
    file.write_text("port = 1111\nfreshness = 0.5\nhost = '::1'")
    variables = {"MTURK_GATEWAY_PORT": "2222", "MTURK_GATEWAY_DEMO": "yes"}
    loaded = load_settings({"host": "127.0.0.1", "demo": None}, variables, file)

    assert (loaded.host, loaded.port, loaded.freshness, loaded.demo) == ("127.0.0.1", 2222, 0.5, True)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"host": "0.0.0.0"}, "signatures cover no parameters"),  # noqa: S104
        ({"host": "gateway.example.org"}, "--behind-proxy"),
        ({"upstream": "ftp://x"}, "a URL"),
        ({"upstream": "https://x.example", "demo": True}, "embedded"),
        ({"port": "eighty"}, "port cannot be"),
        ({"clock_skew": "-1"}, "clock_skew cannot be"),
        ({"tls_key": "key.pem"}, "together"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_words(options, says):
    with pytest.raises(SettingsError, match=says):
        load_settings(options, {})


def test_an_open_address_is_allowed_behind_a_proxy():
    assert load_settings({"host": "0.0.0.0", "behind_proxy": True}, {}).behind_proxy  # noqa: S104


def test_an_unknown_key_in_the_file_is_refused(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text("prot = 1")

    with pytest.raises(SettingsError, match="prot"):
        load_settings({}, {}, file)


def test_a_rotated_key_stays_rotated_when_the_file_is_given_again(tmp_path, run):
    """What a file gives at the start are new requesters, not new keys for old ones."""
    file = tmp_path / "aws"
    write_profile(file, Requester("old", "AKIDOLD", "secret"))
    settings = Settings(data=tmp_path / "data", credentials=file)
    with EmbeddedGateway(settings):
        run("requester", "rotate", "old")
    with EmbeddedGateway(settings) as gateway:
        (now,) = read_profiles(tmp_path / "data" / "credentials")

        assert (
            one(ask(gateway.url, Requester("old", "AKIDOLD", "secret"), "GetAccountBalance"), "Code")
            == "AWS.NotAuthorized"
        )
        assert texts(ask(gateway.url, now, "GetAccountBalance"), "Amount") == ["10000.00"]


def test_what_a_profile_says_besides_its_keys_is_kept(tmp_path):
    file = tmp_path / "credentials"
    file.write_text("[lab]\naws_access_key_id = A\naws_secret_access_key = B\nmturk_gateway_clock_skew = 7200\n")
    write_profile(file, Requester("lab", "C", "D"))

    assert read_profiles(file) == (Requester("lab", "C", "D", clock_skew=7200),)


def test_profiles_that_are_written_at_the_same_time_are_all_kept(tmp_path):
    file = tmp_path / "credentials"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: write_profile(file, Requester(f"p{n}", f"K{n}", "s")), range(40)))

    assert len(read_profiles(file)) == 40


@pytest.mark.parametrize("name", ["evil]\n[other", "", "x" * 65, "tab\there"])
def test_a_name_that_would_spoil_the_credentials_file_is_refused(run, tmp_path, name):
    assert "a name has" in run("requester", "add", name, fails=True)
    assert read_profiles(tmp_path / "data" / "credentials") == ()
