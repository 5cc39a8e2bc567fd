"""A served gateway that can be killed, and started again at the same address."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx

from support import free_port
from walks import Processes, until


class Instance:
    """`mturk-gateway serve` on a data folder, inside a `with` block; `environment` is what it finds beside ours."""

    def __init__(self, data, *options, environment=()):
        ports = {"port": free_port(), "content-port": free_port(), "operators-port": free_port()}
        self.data = data
        self.log = data.parent / "log"
        self.port = ports["port"]
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [sys.executable, "-m", "mturk_gateway", "serve", "--data", str(data), *map(str, options)]
        for name, value in ports.items():
            self._command += [f"--{name}", str(value)]
        self._environment = {**os.environ, **dict(environment)}

    def start(self):
        """Begin to serve; returns once it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=log, text=True, env=self._environment
            )
        self.supervisor = self._process.pid
        answering, _, _ = select.select([self._process.stdout], [], [], 100)
        assert answering, self.log.read_text()[-2000:]
        assert self._process.stdout.readline().startswith("Answering"), self.log.read_text()[-2000:]

    def processes(self):
        """Those that there are at the moment."""
        return Processes.of(self.supervisor)

    def kill(self, *pids):
        """Kill some of them; gives how many are gone."""
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill_all(self):
        """Kill the supervisor and whatever it has started; returns when all are gone."""
        every = [pid for kind in self.processes() for pid in kind]
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self.kill(*every)
        until(lambda: not any(map(_runs, every)))

    def is_whole(self):
        """Whether all processes are there, and answer."""
        with suppress(httpx.TransportError):
            return all(self.processes()) and httpx.get(f"{self.url}/readyz", trust_env=False).is_success
        return False

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(40)
        self._process.stdout.close()


def faketime():
    """The library that lets a process see another time, where it is installed."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def _runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
