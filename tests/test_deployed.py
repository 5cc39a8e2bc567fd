"""What deploy/ says is carried out: on a machine that looks fresh, as far as there can be one without a platform."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from clients import boto2  # noqa: F401  # where boto 2 does not run, there is no old program to answer

ROOT = Path(__file__).parent.parent
MACHINE = Path(__file__).parent / "machine"
PAGE = (ROOT / "deploy/README.md").read_text()
# Whatever goes on running ends with the first process.
UNSHARE = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


def can_be_had():
    """Whether we may have namespaces of our own, and what is used in them is there."""
    tools = ("ip", "setpriv", "unshare", "update-ca-certificates", "useradd", "curl")
    return (
        os.geteuid() == 0
        and all(map(shutil.which, tools))
        and not subprocess.run([*UNSHARE, "true"], check=False, capture_output=True).returncode
    )


pytestmark = pytest.mark.skipif(not can_be_had(), reason="needs root, namespaces, and the tools of a Debian")


def on_a_fresh_machine(folder, script):
    """What bash says to a script, in which every command has to succeed."""
    layers = folder / "layers"
    layers.mkdir()
    home = Path.home()
    cache = Path(os.environ.get("UV_CACHE_DIR", home / ".cache/uv"))
    needed = {Path(sys.base_prefix), Path(sys.prefix), ROOT, cache}
    kept = [path for path in needed if path.is_dir() and path.is_relative_to(home)]
    environment = {
        "HOME": str(home),
        "PATH": f"{MACHINE}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "UV_CACHE_DIR": str(cache),
        "UV_LINK_MODE": "copy",
    }
    ran = subprocess.run(
        [*UNSHARE, MACHINE / "fresh.sh", layers, *kept, "--", "bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def commands(part):
    """What the page has typed between two of its comments."""
    told = re.search(rf"<!-- {part}:.*?-->(.*)<!-- {part}: end -->", PAGE, re.DOTALL)[1]
    return "".join(re.findall(r"^```\n(.*?)^```", told, re.DOTALL | re.MULTILINE))


def test_an_old_program_is_answered_under_amazons_name_by_whoever_follows_the_page(tmp_path):
    """All but the installation, for which there would have to be a network."""
    # Java keeps a list of its own, and takes minutes over it.
    no_java = "rm -f /etc/ca-certificates/update.d/jks-keystore"
    installed = f"ln -s {shlex.quote(sys.prefix)} /opt/mturk-gateway; ln -s {shlex.quote(sys.prefix)} ~/old"
    again = "echo restored; AWS_PROFILE=lab ~/old/bin/python balance.py"
    end = "sudo systemctl stop mturk-gateway.service; cat /opt/running/mturk-gateway.service.log"
    # The page has the reader stand in a clone, which here is not to be written into.
    here = f"cp -r {shlex.quote(str(ROOT / 'deploy'))} ~/deploy; cd ~"
    steps = [no_java, installed, here, commands("machine"), commands("restore"), again, end]

    said = on_a_fresh_machine(tmp_path, "\n".join(steps))

    assert said.count("[$10,000.00]") == 2
    assert re.search(r"^/var/lib/mturk-gateway/backups/mturk-gateway-.*gz: ", said, re.MULTILINE)
    assert said.partition("restored")[2].startswith("\n[$10,000.00]")


def instructions():
    """The instructions of the Dockerfile, as pairs of a word and what follows it."""
    text = re.sub(r"^#.*\n", "", (ROOT / "deploy/Dockerfile").read_text(), flags=re.MULTILINE)
    whole = (line.strip() for line in re.sub(r"\\\n\s*", " ", text).splitlines())
    return [tuple(line.split(None, 1)) for line in whole if line]


def stages():
    """The instructions of each stage after its FROM."""
    found = []
    for word, rest in instructions():
        if word == "FROM":
            found.append([])
        elif found:
            found[-1].append((word, rest))
    return found


def only(stage, word):
    (rest,) = (rest for found, rest in stage if found == word)
    return rest


def test_the_image_answers_without_rights_or_anything_to_write_but_its_volume_and_ends_when_told(tmp_path):
    """The steps of the Dockerfile are run as they are, but for those that need a network."""
    build, final = stages()
    source = tmp_path / "source"
    built = []
    for word, rest in build:
        if word == "COPY":
            *given, target = rest.split()
            for name in given:
                to = source / target / Path(name).name if target.endswith("/") else source / target
                copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
                to.parent.mkdir(parents=True, exist_ok=True)
                copy(ROOT / name, to)
        elif word == "RUN":
            built += rest.split(" && ")
    fetching = ("python -m venv /opt/build", "/opt/build/bin/pip")
    built = [line.replace(" --no-cache", " --offline --quiet") for line in built if not line.startswith(fetching)]
    built = [line.replace(" --compile-bytecode", "") for line in built]
    users = [line for line in only(final, "RUN").split(" && ") if "pip uninstall" not in line]
    environment = [f"export {line}" for line in only(final, "ENV").split()]
    check = json.loads(re.search(r"CMD (\[.*)", only(final, "HEALTHCHECK"))[1])
    started = shlex.join([*json.loads(only(final, "ENTRYPOINT")), *json.loads(only(final, "CMD"))])
    uid, gid = only(final, "USER").split(":")
    volume = only(final, "VOLUME")
    alone = f"setpriv --reuid {uid} --regid {gid} --clear-groups --no-new-privs --bounding-set=-all"
    steps = [
        f"mkdir -p /opt/build; ln -s {shlex.quote(sys.prefix)}/bin /opt/build/bin",
        # What is built has the Python of the tests for its base.
        f'python() {{ {shlex.quote(sys.executable)} "$@"; }}',
        f"cd {shlex.quote(str(source))}",
        *built,
        *users,
        f"mount --bind {volume} {volume}",
        "mount -t tmpfs -o mode=1777 tmpfs /dev/shm",
        "unset -f python",
        *environment,
        f"cd {only(final, 'WORKDIR')}",
        "for place in / /etc /opt /usr/local ~; do mount -o remount,bind,ro $place; done",
        "mount -t tmpfs -o mode=1777 tmpfs /tmp",
        f"{alone} {started} > /dev/shm/said 2>&1 && exit 90; grep -F -- --behind-proxy /dev/shm/said",
        "export MTURK_GATEWAY_BEHIND_PROXY=172.31.83.2",
        f"{alone} {started} > /dev/shm/log 2>&1 & running=$!",
        f"for i in $(seq 100); do {shlex.join(check)} 2> /dev/null && break; sleep 0.2; done",
        f"{shlex.join(check)} || {{ cat /dev/shm/log; exit 91; }}",
        f"{alone} touch /opt/mturk-gateway/written 2> /dev/null && exit 92",
        f"{alone} touch {volume}/written",
        "began=$SECONDS; kill -TERM $running; wait $running; echo ended with $? after $((SECONDS - began)) s",
    ]

    said = on_a_fresh_machine(tmp_path, "\n".join(steps))

    assert "name the proxies" in said
    assert int(re.search(r"^ended with 0 after (\d+) s$", said, re.MULTILINE)[1]) <= 20
