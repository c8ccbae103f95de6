"""Fuzz the reader, led by coverage: `python tests/fuzz/fuzz_reader.py -runs=10000`.

Takes libFuzzer's options (-runs=N, -max_total_time=SECONDS, ...). What it finds is
kept in build/fuzz; the exit code says whether there was anything. With the core of
build_sanitized.sh the hot loops lead it as well, and AddressSanitizer watches them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
WORK = Path(os.environ.get("PYTEST_NETLAB_FUZZ_WORK", ROOT / "build" / "fuzz"))
SEEDS, FOUND = WORK / "seeds", WORK / "found"
LIBRARY = "PYTEST_NETLAB_FUZZ_PRELOAD"
OPTIONS = (
    "-max_len=8192",
    "-timeout=20",
    "-rss_limit_mb=1024",
    "-print_final_stats=1",
    f"-artifact_prefix={WORK}/",
)
_INSIDE = "PYTEST_NETLAB_FUZZ_INSIDE"


def fuzz(argv: list[str]) -> None:
    """Fuzz in this process, which ends with it."""
    atheris = import_module("atheris")
    import_module("pytest_netlab")  # which chooses the core before atheris looks
    with atheris.instrument_imports(include=["pytest_netlab"]):
        import_module("pytest_netlab.capture")
    from tests.fuzz.contract import outcome  # noqa: PLC0415 - not instrumented
    from tests.fuzz.mutator import mutate  # noqa: PLC0415
    from tests.fuzz.seeds import raw  # noqa: PLC0415

    for folder in (SEEDS, FOUND):
        folder.mkdir(parents=True, exist_ok=True)
    for name, data in raw().items():
        (SEEDS / name).write_bytes(data)

    def change(data: bytes, most: int, seed: int) -> bytes:
        random = Random(seed)  # noqa: S311 - libFuzzer's seed makes it repeatable
        return mutate(data, random, lambda old: bytes(atheris.Mutate(old, most)))[:most]

    def one(data: bytes) -> None:
        outcome(data)

    atheris.Setup(argv, one, custom_mutator=change)
    atheris.Fuzz()


def main(argv: list[str]) -> int:
    """Fuzz in a process of its own, and tell what came of it."""
    env = {**os.environ, _INSIDE: "1"}
    if library := env.get(LIBRARY):
        env["LD_PRELOAD"] = library
    command = [sys.executable, __file__, *OPTIONS, *argv, str(FOUND), str(SEEDS)]
    done = subprocess.run(
        command, stderr=subprocess.PIPE, text=True, env=env, check=False
    )
    sys.stderr.write(done.stderr)
    executed = re.findall(r"stat::number_of_executed_units: (\d+)", done.stderr)
    artefacts = re.findall(r"Test unit written to (\S+)", done.stderr)
    count = executed[-1] if executed else 0
    told = [f"fuzz: {count} executions, {len(artefacts)} findings", *artefacts]
    sys.stdout.write("\n  ".join(told) + "\n")
    return done.returncode


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    if os.environ.get(_INSIDE):
        fuzz(sys.argv)
    else:
        sys.exit(main(sys.argv[1:]))
