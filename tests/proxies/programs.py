"""The six proxies as programs: where they are, how they are started, and how they end."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from clientcert.proxy_config import CONFIGURATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"
UNPACKED = ROOT / "target" / "proxies"  # where make puts Debian's packages
PATIENCE = 30  # seconds: nothing waits so long, unless something is broken
PACE = 0.02  # seconds between two looks at a program that is starting
MODULES = [UNPACKED / "usr/lib/apache2/modules", Path("/usr/lib/apache2/modules"), Path("/etc/httpd/modules")]

# In the order of the hops that a request makes, each with the name of its configuration.
PROXIES = {
    "nginx": ["nginx"],
    "HAProxy": ["haproxy"],
    "Apache": ["apache"],
    "Caddy": ["caddy"],
    "Traefik": ["traefik"],
    "Envoy": ["envoy"],
    "two Envoys": ["envoy-edge", "envoy-inner"],
}

# The folder in examples, whose name is that of the program unless it is not, and the arguments.
COMMANDS = {
    "nginx": ("nginx", ["nginx", "-p", ".", "-c", "nginx.conf"]),
    "haproxy": ("haproxy", ["haproxy", "-db", "-f", "haproxy.cfg", "-f", "clientcert.cfg"]),
    "apache": ("apache", ["apache2", "-d", "{folder}", "-f", "httpd.conf", "-D", "FOREGROUND"]),
    "caddy": ("caddy", ["caddy", "run"]),
    "traefik": (
        "traefik",
        [
            "traefik",
            "--entryPoints.websecure.address={listen_host}:{listen_port}",
            "--providers.file.filename=clientcert.yaml",
            "--global.checkNewVersion=false",
        ],
    ),
    "envoy": ("envoy", ["envoy", "-c", "clientcert.yaml", "--disable-hot-restart"]),
    "envoy-edge": ("envoy", ["envoy", "-c", "clientcert.yaml", "--disable-hot-restart"]),
    "envoy-inner": ("envoy", ["envoy", "-c", "clientcert.yaml", "--disable-hot-restart"]),
}


def executable(program: str) -> str | None:
    """The path of a program: unpacked by make, installed with the group `proxies`, or the system's."""
    beside = Path(sys.executable).parent / program
    unpacked = UNPACKED / "usr" / "sbin" / program
    return next((str(path) for path in (unpacked, beside) if path.exists()), None) or shutil.which(program)


def must_be_installed(program: str) -> None:
    """Skip the tests of a program that is not there; in CI, that is a failure."""
    if executable(program) is None:
        reason = f"{program} is not installed: make test-proxies gets it"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


def environment(folder: Path) -> dict[str, str]:
    """What a proxy is started with: the libraries that are unpacked beside it, and a folder for what it keeps."""
    libraries = ":".join(map(str, (UNPACKED / "usr" / "lib").glob("*-linux-gnu")))
    return os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "LD_LIBRARY_PATH": libraries}


def free_port() -> int:
    """A port of the loopback address that nobody has, below those that the kernel gives to clients."""
    for port in random.sample(range(20000, 32000), 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("a hundred ports are taken")


class Proxy:
    """One proxy process with the configuration that ``proxy-config`` prints, in a folder of its own."""

    def __init__(
        self,
        name: str,
        folder: Path,
        certificates: Path,
        settings: dict[str, str],
        *,
        required: bool,
        options: Sequence[str] = (),
    ) -> None:
        configuration = CONFIGURATIONS[name]
        example, arguments = COMMANDS[name]
        program, *usual = arguments
        filled_in = [option.format(folder=folder, **settings) for option in (*usual, *options)]
        command = [executable(program) or program, *filled_in]
        folder.mkdir()
        for path in (EXAMPLES / example).iterdir():
            if path.is_file():
                shutil.copy(path, folder)
        (folder / f"clientcert{Path(configuration.file).suffix}").write_text(
            configuration.configuration(
                {key: value for key, value in settings.items() if key in configuration.settings}, required=required
            )
        )
        (folder / "certificates").symlink_to(certificates)
        (folder / "temporary").mkdir()
        if name == "apache":
            (folder / "modules").symlink_to(next(path for path in MODULES if path.exists()))
        self._log = folder / "log"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def is_alive(self) -> bool:
        """Whether the process runs; says so after a moment, for those who ask again and again."""
        try:
            self._process.wait(PACE)
        except subprocess.TimeoutExpired:
            return True
        return False

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def stop(self) -> None:
        """End it. A program that has ended by itself is a failure, and none of its clients has noticed."""
        ended = self._process.poll() is not None
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        finally:
            self._process.kill()
        assert not ended, self.log
