"""The bundled scenarios on a host's own engine, by goldens of the private one."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Machine = Callable[[str], str]

PYTEST = """
import subprocess, sys, tempfile
fixed = ["-p", "no:cacheprovider", "--import-mode=importlib", "-m", "netlab"]
fixed += ["--netlab-engine=host", "--netlab-strict", "--pyargs"]
command = [sys.executable, "-m", "pytest", *fixed, "pytest_netlab.scenarios"]
command += {arguments}
with tempfile.TemporaryDirectory() as cwd:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
print(done.stdout, done.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [["--netlab-uplink-address=198.51.100.7/24"], ["-n", "2"]],
    ids=["other-addresses", "two-workers"],
)
def test_private_goldens_hold_on_the_host(
    lab_host: Machine, arguments: list[str]
) -> None:
    """All pass with docker0 on 10.200.0.1/16 and other uplinks, one per worker."""
    told = lab_host(PYTEST.format(arguments=arguments))

    assert "scenarios judged from packets: 4 pass\n" in told, told
    assert "10 passed" in told, told


def test_fault_on_the_host_is_named(lab_host: Machine) -> None:
    """A host whose forwarding is off fails ping-beyond, with the cause."""
    code = PYTEST.format(arguments=["-k", "ping"])
    switch = "subprocess.run(['sysctl', '-w', 'net.ipv4.ip_forward={}'], check=True)\n"
    off, on = switch.format(0), switch.format(1)

    told = lab_host(f"import subprocess\n{off}{code}{on}")

    assert "ping-beyond FAILED: not forwarded" in told, told
    assert "net.ipv4.ip_forward is 0 here" in " ".join(told.split()), told
    assert "1 failed, 1 passed" in told, told


STRANGERS = """
import io, tarfile
import docker
engine = docker.from_env()
data = io.BytesIO()
with tarfile.open(fileobj=data, mode="w") as tar:
    tar.add("/bin/busybox", "bin/busybox")
engine.api.import_image_from_data(data.getvalue(), repository="stranger")
strangers = [
    engine.containers.run(
        "stranger", ["/bin/busybox", "ping", "-i", "0.02", target], detach=True
    )
    for target in ("10.200.0.1", "10.200.0.2", "198.51.100.7")
]
try:
{run}
finally:
    for stranger in strangers:
        stranger.remove(force=True)
    engine.images.remove("stranger", force=True)
    engine.close()
"""


def test_strangers_do_not_matter(lab_host: Machine) -> None:
    """Other containers' traffic on docker0 is seen, and changes no verdict."""
    run = PYTEST.format(arguments=["--netlab-uplink-address=198.51.100.7/24"])

    code = STRANGERS.replace("{run}", textwrap.indent(run.strip(), "    "))
    told = lab_host(code)

    assert "scenarios judged from packets: 4 pass\n" in told, told
