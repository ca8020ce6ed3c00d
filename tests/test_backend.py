"""Which backend an interpreter picks, in interpreters of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import clientcert
from conftest import BACKENDS

SHOW = "import clientcert; print(clientcert.backend, clientcert._backend.core.__name__)"
MODULE_OF = {"rust": "clientcert._core", "python": "clientcert._fallback"}


@pytest.fixture
def package(tmp_path) -> Path:
    """A copy of the package without its extension, in a folder to import it from."""
    source = Path(clientcert.__file__).parent
    shutil.copytree(source, tmp_path / "clientcert", ignore=shutil.ignore_patterns("_core*", "__pycache__"))
    return tmp_path


def run(code: str, wanted: str | None, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "CLIENTCERT_BACKEND"}
    if wanted is not None:
        environment["CLIENTCERT_BACKEND"] = wanted
    # The package that this process tests, wherever it is installed; the copy, where there is one, comes first.
    folders = [path] if path else []
    environment["PYTHONPATH"] = os.pathsep.join(map(str, [*folders, Path(clientcert.__file__).parents[1]]))
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def last_line(result: subprocess.CompletedProcess[str]) -> str:
    return result.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("name", BACKENDS)
def test_a_backend_can_be_forced(name):
    assert run(SHOW, name).stdout.split() == [name, MODULE_OF[name]]


@pytest.mark.parametrize("wanted", [None, "auto"])
def test_auto_prefers_the_extension(wanted):
    best = "rust" if "rust" in BACKENDS else "python"
    assert run(SHOW, wanted).stdout.split() == [best, MODULE_OF[best]]


@pytest.mark.parametrize("wanted", [None, "auto", "python"])
def test_an_absent_extension_is_replaced(package, wanted):
    assert run(SHOW, wanted, package).stdout.split() == ["python", "clientcert._fallback"]


def test_an_absent_extension_that_is_forced_raises(package):
    result = run(SHOW, "rust", package)
    assert result.returncode == 1
    assert last_line(result) == "ModuleNotFoundError: No module named 'clientcert._core'"


@pytest.mark.parametrize("wanted", [None, "auto", "rust"])
@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ("raise ImportError('undefined symbol')", "ImportError: undefined symbol"),
        ("import a_library_that_is_not_there", "ModuleNotFoundError: No module named 'a_library_that_is_not_there'"),
        ("raise SystemError('initialization failed')", "SystemError: initialization failed"),
    ],
)
def test_a_broken_extension_is_never_replaced(package, wanted, broken, error):
    (package / "clientcert" / "_core.py").write_text(broken)
    result = run(SHOW, wanted, package)
    assert result.returncode == 1
    assert last_line(result) == error
    assert result.stdout == ""


def test_a_broken_extension_is_not_touched_where_python_is_forced(package):
    (package / "clientcert" / "_core.py").write_text("raise ImportError('undefined symbol')")
    assert run(SHOW, "python", package).stdout.split() == ["python", "clientcert._fallback"]


@pytest.mark.parametrize("wanted", ["", "Rust", "python ", "fallback", "0"])
def test_another_value_is_a_configuration_error(wanted):
    result = run(SHOW, wanted)
    assert result.returncode == 1
    assert last_line(result).endswith("ConfigurationError: CLIENTCERT_BACKEND must be 'auto', 'rust' or 'python'")


@pytest.mark.parametrize("name", BACKENDS)
def test_importing_the_package_imports_nothing_that_may_not_be_there(name):
    code = (
        "import clientcert, sys; print(*{module.partition('.')[0] for module in sys.modules} - sys.stdlib_module_names)"
    )
    assert set(run(code, name).stdout.split()) <= {"clientcert", "__main__"} | started_with()


def test_importing_the_package_does_not_wait_for_asyncio_which_only_hooks_need():
    assert run("import clientcert, sys; print('asyncio' in sys.modules)", None).stdout.split() == ["False"]


def started_with() -> set[str]:
    """What this interpreter imports by itself: editable installations, coverage."""
    code = "import sys; print(*{module.partition('.')[0] for module in sys.modules})"
    return set(run(code, None).stdout.split())


@pytest.mark.parametrize("name", BACKENDS)
def test_a_certificate_is_read_without_cryptography(name):
    vectors = Path(__file__).parent / "vectors" / "x509.json"
    code = (
        "import base64, clientcert, json, sys\n"
        f"vector = json.load(open({str(vectors)!r}))['vectors'][0]\n"
        "certificate = clientcert.parse_der(base64.b64decode(vector['der']))\n"
        "print(certificate['subject']['CN'], certificate['bits'], 'cryptography' in sys.modules)"
    )
    assert run(code, name).stdout.split() == ["client", "256", "False"]
