"""Node.js, the judge: what its ``X509Certificate.toLegacyObject()`` builds, now or when the vectors were written."""

from __future__ import annotations

import json
import shutil
import subprocess
from base64 import b64decode, b64encode
from hashlib import sha1, sha256, sha512
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).parent
SCRIPT = HERE / "oracle" / "peer_certificate.mjs"
OLDEST = 20  # `toLegacyObject` is older; the text of names and keys is that of OpenSSL 3 from here on


class RejectedError(Exception):
    """Node.js makes no object of these bytes; its message says why."""


class Node:
    """One process of Node.js, which answers line by line."""

    def __init__(self) -> None:
        executable = shutil.which("node")
        if executable is None:
            raise FileNotFoundError("Node.js is not on PATH")
        self._process = subprocess.Popen([executable, SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.versions = self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    @property
    def is_recent(self) -> bool:
        return int(self.versions["node"].partition(".")[0]) >= OLDEST

    def legacy_object(self, der: bytes) -> dict[str, Any]:
        """Return the object, with its Buffers as bytes; `RejectedError` where Node.js throws."""
        assert self._process.stdin is not None
        self._process.stdin.write(b64encode(der) + b"\n")
        self._process.stdin.flush()
        answer = self._answer()
        if "error" in answer:
            raise RejectedError(answer["error"])
        return {key: _value(value) for key, value in answer["object"].items()}

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"Node.js ended with {self._process.wait(timeout=30)}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def recorded() -> dict[str, dict[str, Any]]:
    """Return the objects of ``vectors/node/objects.json`` by their vectors, with what it leaves out put back."""
    vectors = json.loads((HERE / "vectors" / "x509.json").read_text("ascii"))["vectors"]
    ders = {vector["id"]: b64decode(vector["der"]) for vector in vectors}
    objects = json.loads((HERE / "vectors" / "node" / "objects.json").read_text("utf-8"))["objects"]
    return {id_: _whole(ders[id_], found) for id_, found in objects.items()}


def _whole(der: bytes, found: dict[str, Any]) -> dict[str, Any]:
    whole = {}
    for key, value in found.items():
        whole[key] = _value(value)
        if key == "valid_to":
            for name, digest in {"fingerprint": sha1, "fingerprint256": sha256, "fingerprint512": sha512}.items():
                whole[name] = digest(der).digest().hex(":").upper()
    return {**whole, "raw": der}


def _value(value: Any) -> Any:
    return b64decode(value["$b64"]) if isinstance(value, dict) and list(value) == ["$b64"] else value
