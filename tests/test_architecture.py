"""Who may import whom, and that the packages keep apart from other people's."""

from __future__ import annotations

import ast
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = {
    path.relative_to(root).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): path
    for root in (ROOT / "gateway", ROOT / "translators")
    for path in root.rglob("*.py")
}
STANDARD = sys.stdlib_module_names

IMPURE = {"asyncio", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "select", "shutil"} | {
    "signal", "socket", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "uuid", "zoneinfo"
}  # fmt: skip

ONLY_IN = {
    "boto3": {"mturk_gateway.upstream", "mturk_gateway.testing.local"},
    "botocore": {
        "mturk_gateway.upstream",
        "mturk_gateway.replies",
        "mturk_gateway.marketplace.protocol",
        "mturk_gateway.testing.local",
    },
    "lxml": {"mturk_translators.xml"},
    "fastapi": {"mturk_gateway.app", "mturk_gateway.routes"},
    "httpx": {
        "mturk_gateway.app",
        "mturk_gateway.doctor.listeners",
        "mturk_gateway.modern",
        "mturk_gateway.replay.routes",
        "mturk_gateway.replay.verifying",
        "mturk_gateway.routes",
        "mturk_gateway.serve",
    },
    "prometheus_client": {"mturk_gateway.observing.metrics"},
    "alembic": {"mturk_gateway.schemas", "mturk_gateway.marketplace.migrations", "mturk_gateway.ledger.migrations"},
    "click": {"mturk_gateway.__main__", "mturk_gateway.commands"},
    "cryptography": {"mturk_gateway.doctor.certificates", "mturk_gateway.tls"},
    "mturk_gateway.marketplace": {
        "mturk_gateway.marketplace",
        "mturk_gateway.admin",
        "mturk_gateway.embedded",
        "mturk_gateway.serve",
        "mturk_gateway.commands",
        "mturk_gateway.testing",
    },
    "mturk_gateway.testing": {"mturk_gateway.testing", "mturk_gateway.pytest_plugin"},
    "pytest": {"mturk_gateway.pytest_plugin"},
    "respx": {"mturk_gateway.replay.routes", "mturk_gateway.testing.replay"},
}
"""What is imported by a few only. The rest of the gateway reaches the marketplace through boto3 and the wire."""


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def inside(name, package):
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize("module", sorted(name for name in SOURCES if inside(name, "mturk_translators")))
def test_translators_are_pure(module):
    for imported in imports(SOURCES[module]):
        top = imported.partition(".")[0]
        assert top in STANDARD or top in ("mturk_translators", "lxml"), f"{module} imports {imported}"
        assert top not in IMPURE, f"{module} imports {imported}"


@pytest.mark.parametrize("module", sorted(name for name in SOURCES if inside(name, "mturk_translators")))
def test_translators_do_not_ask_for_the_time(module):
    """Datetime is there to convert moments, never to find out which one it is."""
    calls = [
        node.func.attr
        for node in ast.walk(ast.parse(SOURCES[module].read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]

    assert not {"now", "utcnow", "today"}.intersection(calls)


@pytest.mark.parametrize("module", sorted(name for name in SOURCES if inside(name, "mturk_translators.operations")))
def test_entries_are_data(module):
    if module != "mturk_translators.operations":
        functions = [
            node for node in ast.walk(ast.parse(SOURCES[module].read_text())) if isinstance(node, ast.FunctionDef)
        ]
        assert functions == []


@pytest.mark.parametrize("package", sorted(ONLY_IN))
def test_some_packages_are_imported_in_few_places(package):
    importers = {
        module for module, path in SOURCES.items() if any(inside(imported, package) for imported in imports(path))
    }

    assert importers
    assert {module for module in importers if not any(inside(module, allowed) for allowed in ONLY_IN[package])} == set()


def test_the_marketplace_is_its_own_house():
    """It uses nothing of the gateway but what serves every server: database, clock, signatures, what hosts mean."""
    allowed = {"mturk_gateway.database", "mturk_gateway.clock", "mturk_gateway.sigv4"} | {
        "mturk_gateway.marketplace",
        "mturk_gateway.realm",
    }
    for module, path in SOURCES.items():
        if inside(module, "mturk_gateway.marketplace"):
            for imported in imports(path):
                if inside(imported, "mturk_gateway"):
                    assert any(inside(imported, name) for name in allowed), f"{module} imports {imported}"


@pytest.mark.parametrize("part", ["services", "documents", "crew"])
def test_the_rules_of_the_marketplace_are_told_the_time(part):
    """Nothing there could ask a clock; how long a search takes is nothing that a rule depends on."""
    for module, path in SOURCES.items():
        if inside(module, f"mturk_gateway.marketplace.{part}"):
            asked = {name for name in imports(path) if inside(name, "time") or inside(name, "datetime")}
            assert asked <= {"time", "time.perf_counter"}, module
            assert "mturk_gateway.clock.wall_clock" not in set(imports(path)), module


def test_no_operation_is_singled_out_by_name():
    """Nothing compares the operation with a name: what an operation does stands in its entry."""
    from mturk_translators.operations import OPERATIONS

    for module, path in SOURCES.items():
        if inside(module, "mturk_gateway.marketplace"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                names = [part.value for part in (node.left, *node.comparators) if isinstance(part, ast.Constant)]
                assert not OPERATIONS.keys() & {name for name in names if isinstance(name, str)}, module


def test_the_wheel_lives_beside_packages_of_the_same_plain_names(tmp_path):
    """Other people's modules called gateway, translators and fixtures are theirs, and ours works beside them."""
    built = tmp_path / "dist"
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", built, ROOT],
        check=True,
        capture_output=True,
    )
    (wheel,) = built.glob("*.whl")
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"mturk_gateway", "mturk_translators"}

    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    for name in ("gateway", "translators", "fixtures"):
        (site / f"{name}.py").write_text(f"OWNER = 'somebody else, {name}'\n")
    venv.create(tmp_path / "env")
    python = tmp_path / "env" / "bin" / "python"
    code = (
        "import gateway, translators, fixtures, importlib.resources as resources, pathlib, sys\n"
        "assert all(m.OWNER.startswith('somebody else') for m in (gateway, translators, fixtures))\n"
        "from mturk_gateway.embedded import EmbeddedGateway\n"
        "from mturk_gateway.settings import Settings\n"
        "import mturk_gateway\n"
        f"assert mturk_gateway.__file__.startswith({str(site)!r})\n"
        "assert any(resources.files('mturk_gateway').joinpath('fixtures').iterdir())\n"
        f"with EmbeddedGateway(Settings(data=pathlib.Path({str(tmp_path / 'data')!r}))) as gateway:\n"
        "    gateway.add_requester('me')\n"
        "    print(gateway.url)\n"
    )
    paths = [str(site), sysconfig.get_paths()["purelib"]]
    done = subprocess.run(
        [python, "-c", f"import sys; sys.path[:0] = {paths!r}\n{code}"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("http://127.0.0.1:")
