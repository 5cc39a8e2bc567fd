"""What is in deploy/ keeps the rules for its platform, as far as they can be judged without it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from mturk_gateway.settings import load_settings
from mturk_gateway.tls.hosts import AMAZON_HOSTS

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
TOOLS = Path(sys.executable).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked(name):
    """The versions of a lock, and the hashes of each."""
    entries = re.split(r"\n(?=\S)", (DEPLOY / f"locks/{name}.txt").read_text())
    pinned = (re.match(r"([\w.-]+)==([\w.!+]+)", entry) for entry in entries)
    return {
        found[1]: (Version(found[2]), re.findall(r"--hash=sha256:[0-9a-f]{64}\b", entry))
        for found, entry in zip(pinned, entries, strict=True)
        if found
    }


RUN, BUILD, DEVELOP = map(locked, ("run", "build", "develop"))


@pytest.mark.parametrize(
    ("lock", "asked"),
    [
        (RUN, PROJECT["project"]["dependencies"]),
        (BUILD, PROJECT["dependency-groups"]["build"]),
        (DEVELOP, [line for extra in PROJECT["project"]["optional-dependencies"].values() for line in extra]),
    ],
    ids=["run", "build", "develop"],
)
def test_locks_have_what_the_project_asks_for_within_its_bounds(lock, asked):
    """`make lock` writes them."""
    for requirement in map(Requirement, asked):
        assert lock[canonicalize_name(requirement.name)][0] in requirement.specifier


def test_what_is_locked_needs_nothing_else():
    for name, (version, _) in RUN.items():
        try:
            installed = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # for another system
        needed = map(Requirement, installed.requires or ()) if Version(installed.version) == version else ()
        for requirement in needed:
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert RUN[canonicalize_name(requirement.name)][0] in requirement.specifier


def test_locks_agree_have_hashes_and_name_no_place():
    for lock in (RUN, BUILD, DEVELOP):
        assert all(hashes for _, hashes in lock.values())
        assert lock.items() <= DEVELOP.items()
    for path in (DEPLOY / "locks").iterdir():
        assert not re.search(r"://|--(extra-)?index|--find-links", path.read_text())


@contextmanager
def answering(answer):
    """A server on loopback whose answers to GET and POST are `answer` of the path and the body."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = json.dumps(answer(self.path, self.rfile.read(int(self.headers["Content-Length"] or 0)))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815  # as the base has it

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


NOBODY = "http://127.0.0.1:1"


def audited(folder, *, advisories=NOBODY, index=NOBODY):
    """The exit status of an audit of one locked package, and what it says."""
    (folder / "lock.txt").write_text(f"click==8.5.1 --hash=sha256:{'0' * 64}\n")
    ran = subprocess.run(
        [sys.executable, DEPLOY / "audit.py", folder / "lock.txt", "--advisories", f"{advisories}/v1/query"],
        env={"UV_DEFAULT_INDEX": f"{index}/simple", "UV_CACHE_DIR": str(folder / "cache"), "UV_HTTP_RETRIES": "0"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not ran.stderr
    return ran.returncode, ran.stdout


def advisory(_path, _body):
    fixed = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.0"}]}
    affected = [{"package": {"name": "click", "ecosystem": "PyPI"}, "ranges": [fixed]}]
    return {"vulns": [{"id": "PYSEC-2027-1", "modified": "2027-01-01T00:00:00Z", "affected": affected}]}


def index_of(withdrawn):
    wheel = {
        "filename": "click-8.5.1-py3-none-any.whl",
        "url": "click-8.5.1-py3-none-any.whl",
        "hashes": {"sha256": "0" * 64},
        "yanked": withdrawn,
    }
    return lambda _path, _body: {"meta": {"api-version": "1.0"}, "name": "click", "files": [wheel]}


def test_an_audit_that_can_ask_nobody_says_so_and_breaks_nothing(tmp_path):
    status, said = audited(tmp_path)

    assert status == 0
    assert "NOT AUDITED for known vulnerabilities: advisories out of reach" in said
    assert "NOT AUDITED for withdrawn versions: the package index out of reach" in said
    assert "none" not in said


def test_an_audit_names_known_vulnerabilities_and_breaks(tmp_path):
    with answering(advisory) as advisories:
        status, said = audited(tmp_path, advisories=advisories)

    assert status == 1
    assert "click 8.5.1: PYSEC-2027-1, mended in 9.0" in said


def test_an_audit_names_withdrawn_versions_and_breaks(tmp_path):
    with answering(lambda *_: {}) as advisories, answering(index_of("it eats files")) as index:
        status, said = audited(tmp_path, advisories=advisories, index=index)

    assert status == 1
    assert "known vulnerabilities: none" in said
    assert 'click==8.5.1 is yanked (reason: "it eats files")' in said


def lint(tool, *words):
    """What a linter says; it has to be content."""
    ran = subprocess.run([TOOLS / tool, *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


def test_the_dockerfile_keeps_the_rules_of_hadolint():
    lint("hadolint", "--failure-threshold", "info", DEPLOY / "Dockerfile")


def test_the_image_is_built_from_locks_by_a_user_of_a_number_and_watches_itself():
    installs = re.findall(r"(?:pip install|uv pip \w+)[^&\n]*", DOCKERFILE)

    assert installs
    for install in installs:
        assert "--require-hashes" in install or "--no-deps" in install
    assert re.search(r"^ARG PYTHON=python:3\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)
    assert not re.search(r"^(ADD|COPY --chmod)|https?://(?!127\.)|SECRET|PASSWORD", DOCKERFILE, re.MULTILINE)
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    for word in ("ENTRYPOINT", "CMD"):
        assert isinstance(json.loads(re.search(rf"^{word} (.*)$", last, re.MULTILINE)[1]), list)
    assert re.search(r"^HEALTHCHECK ", last, re.MULTILINE)


def test_what_the_image_is_built_from_is_not_ignored():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)

    assert ignored[0] == "*"
    assert {f"!{name}" for line in copied for name in line.split()} == {line for line in ignored if line[0] == "!"}


COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_the_compose_file_is_valid():
    lint("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


def test_containers_are_confined_and_only_the_front_can_be_reached():
    for service in COMPOSE["services"].values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["logging"]["options"]["max-size"]
        assert service["mem_limit"]
        assert re.fullmatch(r"[\w./-]+:\d[\w.-]*", service["image"])
    assert all(port.startswith("127.0.0.1:") for port in COMPOSE["services"]["gateway"]["ports"])


def test_the_gateway_believes_the_front_of_the_compose_file_alone():
    gateway, caddy = COMPOSE["services"]["gateway"], COMPOSE["services"]["caddy"]

    assert gateway["environment"]["MTURK_GATEWAY_BEHIND_PROXY"] == caddy["networks"]["front"]["ipv4_address"]
    for variable in caddy["environment"]:
        assert f"{{${variable}:" in (DEPLOY / "Caddyfile").read_text()


SERVICES = sorted(path.name for path in (DEPLOY / "systemd").glob("*.service"))


@pytest.fixture
def units(tmp_path):
    """The units, as if their program were installed."""
    for path in (DEPLOY / "systemd").iterdir():
        unit = path.read_text().replace("/opt/mturk-gateway/bin/mturk-gateway", sys.executable)
        (tmp_path / path.name).write_text(unit)
    return tmp_path


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_the_units_are_as_systemd_wants_them(units):
    ran = subprocess.run(["systemd-analyze", "verify", *units.iterdir()], capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
@pytest.mark.parametrize("service", SERVICES)
def test_the_services_are_confined(units, service):
    """Of ten points of exposure they may have two."""
    words = ["systemd-analyze", "security", "--offline=true", "--threshold=20", units / service]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout


def test_the_settings_of_the_services_are_settings():
    settings = load_settings({}, {}, DEPLOY / "config.toml")

    assert settings.tls
    assert settings.data.is_relative_to("/var/lib/mturk-gateway")


MANIFESTS = sorted(path for path in (DEPLOY / "kubernetes").iterdir() if path.name != "kustomization.yaml")
KUSTOMIZATION = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text())
OBJECTS = {found["kind"]: found for path in MANIFESTS for found in yaml.safe_load_all(path.read_text())}


def test_the_manifests_are_valid():
    assert sorted(KUSTOMIZATION["resources"]) == [path.name for path in MANIFESTS]
    lint("kubernetes-validate", "--strict", *MANIFESTS)


def test_the_pod_is_confined_probed_and_bounded():
    pod = OBJECTS["StatefulSet"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert OBJECTS["StatefulSet"]["spec"]["replicas"] == 1
    assert OBJECTS["Namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert not container["securityContext"]["allowPrivilegeEscalation"]
    assert container["resources"]["limits"]["memory"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_the_ingress_answers_to_all_of_amazons_names():
    assert {rule["host"] for rule in OBJECTS["Ingress"]["spec"]["rules"]} == set(AMAZON_HOSTS)


def test_variables_for_containers_are_settings():
    given = dict(line.split("=", 1) for line in KUSTOMIZATION["configMapGenerator"][0]["literals"])
    (container,) = OBJECTS["StatefulSet"]["spec"]["template"]["spec"]["containers"]
    given |= {variable["name"]: variable["value"] for variable in container["env"]}
    in_image = dict(re.findall(r"(MTURK_GATEWAY_\w+)=(\S+)", DOCKERFILE))

    for environment in (given, COMPOSE["services"]["gateway"]["environment"]):
        everything = in_image | environment
        names = {f"MTURK_GATEWAY_{name.upper()}" for name in load_settings({}, everything).__dataclass_fields__}
        assert everything.keys() <= names
