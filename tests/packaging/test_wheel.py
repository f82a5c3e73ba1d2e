"""The built wheel, installed into an empty environment, works from any directory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

LOCK = ROOT / "requirements.lock"

# One worker builds and installs for all of these.
pytestmark = pytest.mark.xdist_group("wheel")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as `make build` does."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel with pip into an empty environment, durable-rules compiled, versions as locked."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    constraints = folder / "constraints.txt"
    pins = re.findall(r"^([\w.\[\]-]+==[^\s\\]+(?: ; [^\\\n]+)?)", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    constraints.write_text("\n".join(re.sub(r"\[.*?\]", "", pin) for pin in pins), encoding="utf-8")
    flags = os.environ.get("CPPFLAGS", "")
    if sys.version_info >= (3, 13):
        flags += " -DPyEval_CallObject=PyObject_CallObject"
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "-c", str(constraints), str(wheel)]
    done = subprocess.run(command, env={**os.environ, "CPPFLAGS": flags}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def _run(environment: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [str(environment / "bin" / "hcc-decide"), *arguments]
    return subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, check=False)


def test_the_wheel_holds_rules_form_and_type_marker(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = [
        f"hcc_decide/rules/{path.relative_to(ROOT / 'rules').as_posix()}" for path in (ROOT / "rules").rglob("*.yaml")
    ]
    assert set(wanted) <= names
    assert {"hcc_decide/app/main.py", "hcc_decide/py.typed", "hcc_decide/cli.py"} <= names
    assert not [name for name in names if name.startswith(("rules/", "app/", "src/", "tests/"))]


def test_the_installed_program_decides_from_any_directory(installed: Path, tmp_path: Path) -> None:
    found = subprocess.run(
        [str(installed / "bin" / "python"), "-c", "import hcc_decide; print(hcc_decide.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(installed) in found.stdout
    (tmp_path / "patient.yaml").write_text("{child_pugh_class: C}", encoding="utf-8")
    answer = _run(installed, "recommend", "patient.yaml", "--format", "json", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    decision = json.loads(answer.stdout)
    assert decision["setting"] == "supportive"
    assert [path.name for path in tmp_path.iterdir()] == ["patient.yaml"]


def test_the_installed_program_lints_and_shows_its_own_rules(installed: Path, tmp_path: Path) -> None:
    assert "no findings" in _run(installed, "rules", "lint", cwd=tmp_path).stdout
    assert _run(installed, "rules", "show", "setting", cwd=tmp_path).stdout.startswith("fact: setting")
    assert _run(installed, "--version", cwd=tmp_path).stdout.startswith("hcc-decide ")
