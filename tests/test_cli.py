"""The command line, as a person uses it."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import pytest
from click.testing import CliRunner

from mturk_gateway.__main__ import main
from mturk_gateway.clock import wall_clock
from mturk_gateway.credentials import Keyring, Requester, read_profiles, write_profile
from mturk_gateway.embedded import EmbeddedGateway
from mturk_gateway.settings import Settings, SettingsError, load_settings, option_name, variable_name
from mturk_translators.xml import parse
from support import QUESTION, ask, fill, get, modern_client, one, texts

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas"


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


FORM = (
    f'<QuestionForm xmlns="{SCHEMAS}/2005-10-01/QuestionForm.xsd"><Question>'
    "<QuestionIdentifier>scan</QuestionIdentifier><QuestionContent><Text>A picture</Text></QuestionContent>"
    "<AnswerSpecification>{}</AnswerSpecification></Question></QuestionForm>"
)


@pytest.fixture
def worker(gateway, run):
    """Runs a command of a worker on the data folder of the gateway; gives its output, or its message if it fails."""

    def command(*words, fails=False):
        return run("worker", *words, data=gateway.settings.data, fails=fails)

    return command


def test_a_worker_finds_previews_takes_and_returns_a_hit(gateway, requester, worker):
    (hit,) = fill(gateway, requester, [({"Title": "Fold a crane"}, int(wall_clock()))])
    me = ("--worker", "A1FOLDER")
    (line,) = (line for line in worker("find", *me).splitlines() if "Fold a crane" in line)
    group, available, reward, *_ = line.split("\t")
    assert (available, reward) == ("1 available", "$0.05")
    assert worker("preview", group, *me).splitlines() == [hit, QUESTION]
    assignment = worker("accept", group, "--any", *me).strip()
    assert "Fold a crane" not in worker("find", *me)
    worker("return", assignment)
    assert "returned" in worker("submit", assignment, fails=True)
    again = worker("accept", hit, *me).strip()

    tasks = [line.split("\t") for line in worker("tasks", *me).splitlines()]
    assert {(task[0], task[2]) for task in tasks} == {(assignment, "Returned"), (again, "Accepted")}
    assert all(task[1] == hit for task in tasks)


def test_a_worker_hears_what_came_of_the_work_and_what_requesters_write(gateway, requester, worker):
    (hit,) = fill(gateway, requester, [({}, int(wall_clock()))])
    assignment = worker("accept", hit, "--worker", "A1LISTENER").strip()
    worker("submit", assignment)
    with modern_client(gateway.url, requester) as modern:
        modern.approve_assignment(AssignmentId=assignment, RequesterFeedback="very neat")
        modern.send_bonus(WorkerId="A1LISTENER", AssignmentId=assignment, BonusAmount="0.25", Reason="speed")
        modern.notify_workers(Subject="Thanks", MessageText="Come back soon", WorkerIds=["A1LISTENER"])

    tasks = worker("tasks", "--worker", "A1LISTENER")
    assert all(words in tasks for words in (assignment, "Approved", "feedback: very neat", "bonus: $0.25, speed"))
    messages = worker("messages", "--worker", "A1LISTENER")
    assert "Thanks" in messages
    assert "Come back soon" in messages
    assert worker("messages", "--worker", "A1OTHER") == ""


def test_a_worker_qualifies_by_request_test_profile_and_grant(gateway, requester, worker):
    test = FORM.format("<FreeTextAnswer/>")
    with modern_client(gateway.url, requester) as modern:
        made = modern.create_qualification_type(
            Name="Can draw", Description="d", QualificationTypeStatus="Active", Test=test, TestDurationInSeconds=600
        )["QualificationType"]["QualificationTypeId"]
        masters = {"QualificationTypeId": "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "Comparator": "Exists"}
        adult = {"QualificationTypeId": "00000000000000000060", "Comparator": "EqualTo", "IntegerValues": [1]}
        rate = {"QualificationTypeId": "000000000000000000E0", "Comparator": "LessThan", "IntegerValues": [5]}
        needed = [{"QualificationTypeId": made, "Comparator": "Exists"}, masters, adult, rate]
        hit = modern.create_hit(
            Title="Draw a crane",
            Description="d",
            Reward="1",
            AssignmentDurationInSeconds=60,
            LifetimeInSeconds=600,
            Question=QUESTION,
            QualificationRequirements=needed,
        )["HIT"]["HITId"]
        me = ("--worker", "A1DRAWER")
        refusal = worker("accept", hit, *me, fails=True)
        assert all(name in refusal for name in ("Can draw", "Masters", "Worker_Adult"))
        assert worker("find", *me).partition("Draw a crane")[2].splitlines()[1:5] == [
            "  not met: Can draw Exists",
            "  not met: Masters Exists",
            "  not met: Worker_Adult EqualTo 1",
            "  not met: Worker_PercentAssignmentsReturned LessThan 5",
        ]
        assert f"{made}\twith a test" in worker("request", *me)
        request, status = worker("request", made, *me).split()
        assert status == "Testing"
        assert worker("test", request).strip() == test
        assert worker("test", request, "--answer", "scan=a crane").split() == [request, "Pending"]
        assert "not open" in worker("test", request, fails=True)
        assert f"{made}\tPending\t{request}" in worker("qualifications", *me)
        modern.accept_qualification_request(QualificationRequestId=request, IntegerValue=7)
        assert f"{made}\tGranted\t7\t" in worker("qualifications", *me)
        modern.disassociate_qualification_from_worker(QualificationTypeId=made, WorkerId="A1DRAWER", Reason="Erased")
        assert "  reason: Erased" in worker("qualifications", *me)
        modern.associate_qualification_with_worker(QualificationTypeId=made, WorkerId="A1DRAWER", IntegerValue=7)
    granted = ("--grant", "000000000000000000E0=3")
    worker("set", "A1DRAWER", "--country", "US", "--subdivision", "PA", "--adult", "--masters", *granted)
    requirements = worker("find", *me).partition("Draw a crane")[2].splitlines()[1:5]
    assert [line.partition(":")[0] for line in requirements] == ["  met"] * 4
    worker("set", "A1DRAWER", "--no-masters")
    assert "Masters Exists" in worker("accept", hit, *me, fails=True)
    worker("set", "A1DRAWER", "--masters")
    assert worker("accept", hit, *me)


def test_a_worker_submits_a_file(gateway, requester, worker, tmp_path):
    upload = "<FileUploadAnswer><MaxFileSizeInBytes>9</MaxFileSizeInBytes><MinFileSizeInBytes>1</MinFileSizeInBytes>"
    (hit,) = fill(gateway, requester, [({"Question": FORM.format(f"{upload}</FileUploadAnswer>")}, int(wall_clock()))])
    assignment = worker("accept", hit, "--worker", "A1SCANNER").strip()
    file = tmp_path / "scan.png"
    file.write_bytes(b"too large for it")
    assert "'scan'" in worker("submit", assignment, "--file", f"scan={file}", fails=True)
    file.write_bytes(b"picture")
    assert "No such file" in worker("submit", assignment, "--file", f"scan={file}.gone", fails=True)
    worker("submit", assignment, "--file", f"scan={file}")

    page = ask(gateway.url, requester, "GetAssignmentsForHIT", HITId=hit)
    assert [element.text for element in parse(one(page, "Answer")).iter("{*}UploadedFileSizeInBytes")] == ["7"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("accept", "3NOSUCH", "--worker", "A1"), "no such HIT"),
        (("accept", "3NOSUCH", "--worker", "A1", "--any"), "no such group"),
        (("accept", "3NOSUCH", "--worker", "me"), "not a worker id"),
        (("preview", "3NOSUCH", "--worker", "A1"), "no such group"),
        (("submit", "3NOSUCH"), "no such assignment"),
        (("submit", "3NOSUCH", "--answer", "colour"), "NAME=VALUE"),
        (("return", "3NOSUCH"), "no such assignment"),
        (("request", "3NOSUCH", "--worker", "A1"), "no such qualification"),
        (("test", "3NOSUCH"), "not open"),
        (("set", "A1", "--country", "Utopia"), "two capital letters"),
        (("set", "A1", "--grant", "00000000000000000040=1"), "follows from"),
        (("set", "A1", "--grant", "00000000000000000000=many"), "whole number"),
    ],
)
def test_what_a_worker_cannot_do_is_refused_in_words(run, words, says):
    assert says in run("worker", *words, fails=True)


def test_a_script_plays_its_workers_and_reports(gateway, requester, worker, tmp_path):
    fill(gateway, requester, [({"Title": "Play along", "MaxAssignments": 2}, int(wall_clock()))] * 3)
    script = tmp_path / "crew.toml"
    script.write_text('[[workers]]\ncount = 4\ntitle = "play along"\nanswers = { dots = 3 }\n')
    assert worker("run", "--script", str(script)).splitlines() == ["4 workers: 6 submitted, 0 returned, 0 abandoned"]
    script.write_text("[[workers]]\ncount = many\n")

    refusal = worker("run", "--script", str(script), fails=True)
    assert f"{script}: " in refusal
    assert "line 2" in refusal


def test_a_watching_crew_works_on_what_comes_until_it_is_interrupted(gateway, requester, worker, tmp_path, monkeypatch):
    script = tmp_path / "crew.toml"
    script.write_text('[[workers]]\nid = "A1WATCHER"\ntitle = "Comes late"\n')
    pauses = iter([True, False])

    def pause(_seconds):
        if not next(pauses):
            raise KeyboardInterrupt
        fill(gateway, requester, [({"Title": "Comes late"}, int(wall_clock()))])

    monkeypatch.setattr("mturk_gateway.commands.worker_run.sleep", pause)

    assert worker("run", "--watch", "--script", str(script)).startswith("1 workers: 1 submitted")


def test_a_requester_who_pays_in_advance_cannot_spend_more(gateway, requester, run):
    data = gateway.settings.data
    run("requester", "terms", requester.profile, "--prepaid", "--fees", data=data)

    assert run("requester", "pay-in", requester.profile, "1.5", data=data) == "1.50\n"
    assert "no amount" in run("requester", "pay-in", requester.profile, "1.555", fails=True, data=data)
    assert "no requester" in run("requester", "pay-in", "nobody", "1", fails=True, data=data)
    with modern_client(gateway.url, requester) as client:
        assert client.get_account_balance()["AvailableBalance"] == "1.50"
        run("requester", "terms", requester.profile, "--owing", data=data)
        assert client.get_account_balance()["AvailableBalance"] == "10000.00"


def test_earnings_are_exported(gateway, requester, worker, run):
    (hit,) = fill(gateway, requester, [({"Reward": "0.30"}, int(wall_clock()))])
    assignment = worker("accept", hit, "--worker", "A1EXAMPLE").strip()
    worker("submit", assignment, "--answer", "q=a")
    with modern_client(gateway.url, requester) as client:
        client.approve_assignment(AssignmentId=assignment)
        client.send_bonus(AssignmentId=assignment, WorkerId="A1EXAMPLE", BonusAmount="1", Reason="r")

    assert run("requester", "earnings", requester.profile, data=gateway.settings.data) == "A1EXAMPLE,1.30\n"
    assert run("requester", "earnings", requester.profile, "--sandbox", data=gateway.settings.data) == ""


def test_a_layout_is_kept_under_the_id_that_programs_have(gateway, requester, run, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<html><body><form>${word}</form></body></html>")
    run("requester", "layout", requester.profile, "3OLDID", str(page), data=gateway.settings.data)
    with modern_client(gateway.url, requester) as client:
        hit = client.create_hit(
            Title="T",
            Description="D",
            Reward="0",
            AssignmentDurationInSeconds=60,
            LifetimeInSeconds=60,
            HITLayoutId="3OLDID",
            HITLayoutParameters=[{"Name": "word", "Value": "hello"}],
        )["HIT"]

    assert "<form>hello</form>" in hit["Question"]
    refused = run("requester", "layout", requester.profile, "small", str(page), fails=True, data=gateway.settings.data)
    assert "capital letters" in refused


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
        ({"host": "::"}, "in the clear"),
        ({"operators_host": "10.0.0.1"}, "in the clear"),
        ({"behind_proxy": "yes"}, "names the proxies"),
        ({"behind_proxy": "10.0.0.1, 10.0.0.0/33"}, "'10.0.0.0/33' is no address"),
        ({"behind_proxy": " , "}, "names the proxies"),
        ({"host": "10.0.0.1", "behind_proxy": "10.0.0.2", "demo": True}, "this machine only"),
        ({"host": "10.0.0.1", "tls": True, "demo": True}, "this machine only"),
        ({"upstream": "ftp://x"}, "a URL"),
        ({"upstream": "https://x.example", "demo": True}, "embedded"),
        ({"port": "eighty"}, "port cannot be"),
        ({"port": 99_999}, "up to 65535"),
        ({"port": True}, "port cannot be"),
        ({"clock_skew": "-1"}, "clock_skew cannot be"),
        ({"key_rate": "nan"}, "key_rate cannot be"),
        ({"deadline": "inf"}, "deadline cannot be"),
        ({"tls_key": "key.pem"}, "together"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_words(options, says):
    with pytest.raises(SettingsError, match=says):
        load_settings(options, {})


def test_an_open_address_is_allowed_behind_a_proxy():
    for proxies in ("10.0.0.0/8, 172.18.0.2", "::1"):
        assert load_settings({"host": "0.0.0.0", "behind_proxy": proxies}, {}).exposed  # noqa: S104


def test_an_open_address_is_allowed_with_tls():
    assert load_settings({"host": "0.0.0.0", "operators_host": "::", "tls": True}, {}).exposed  # noqa: S104


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


def test_a_new_requester_is_known_to_every_thread_that_asks_while_one_reads_the_file(tmp_path):
    path = tmp_path / "credentials"
    keys = "aws_access_key_id = AKIA{0}\naws_secret_access_key = s\n"
    path.write_text("".join(f"[many-{number}]\n{keys.format(number)}" for number in range(3_000)))
    keyring = Keyring(path)
    with path.open("a") as stream:
        stream.write(f"[new]\n{keys.format('NEW')}")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: keyring.find_account("new"), range(8)))
    assert [requester and requester.access_key for requester in found] == ["AKIANEW"] * 8


@pytest.mark.parametrize("name", ["evil]\n[other", "", "x" * 65, "tab\there"])
def test_a_name_that_would_spoil_the_credentials_file_is_refused(run, tmp_path, name):
    assert "a name has" in run("requester", "add", name, fails=True)
    assert read_profiles(tmp_path / "data" / "credentials") == ()
