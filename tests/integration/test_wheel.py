"""What users install: the sdist builds the wheel, and the wheel has all it needs."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the unpacked wheel, built by way of the sdist."""
    dist = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(dist)]
    done = subprocess.run(
        [*command, str(REPOSITORY)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    target = dist / "site"
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        wheel.extractall(target)
    return target


def python(installed: Path, cwd: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the unpacked wheel before everything else, outside of CI."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "CI": ""}
    command = [sys.executable, *argv]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_wheel_has_the_package_and_not_the_checkout(
    installed: Path, tmp_path: Path
) -> None:
    """The import finds the wheel's files, typed, with scenarios and goldens."""
    code = "import pytest_netlab; print(pytest_netlab.__file__)"

    result = python(installed, tmp_path, "-c", code)

    package = installed / "pytest_netlab"
    assert result.stdout.strip() == str(package / "__init__.py")
    assert (package / "py.typed").is_file()
    assert (package / "scenarios" / "test_ping_host.py").is_file()
    assert (package / "golden" / "ping-host" / "capture.pcapng").is_file()


def test_bundled_scenarios_run_from_any_directory(
    installed: Path, tmp_path: Path
) -> None:
    """`pytest-netlab run` judges the wheel's scenarios by the wheel's goldens."""
    code = "from pytest_netlab.cli import main; main()"

    argv = ("-c", code, "run", "--netlab-engine=fake", "-k", "ping or published")
    result = python(installed, tmp_path, *argv)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "scenarios judged from packets: 3 pass" in result.stdout


def test_installed_goldens_are_not_updated(installed: Path, tmp_path: Path) -> None:
    """--netlab-update refuses to write into the installed package."""
    code = "from pytest_netlab.cli import main; main()"
    argv = ("-c", code, "run", "--netlab-engine=fake", "-k", "ping", "--netlab-update")

    result = python(installed, tmp_path, *argv)

    assert result.returncode == 1, result.stdout
    assert "belongs to the installed package" in result.stdout


def test_wheel_is_compiled_where_there_is_a_compiler(
    installed: Path, tmp_path: Path
) -> None:
    """The sdist has what the extensions are made from."""
    code = "from pytest_netlab.core import core; print(core())"

    result = python(installed, tmp_path, "-c", code)

    assert result.stdout.strip() == "compiled"
