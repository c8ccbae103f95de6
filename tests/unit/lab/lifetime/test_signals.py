"""What happens to a process that is told to end: always a real one."""

from __future__ import annotations

import subprocess
import sys
from signal import SIGHUP, SIGINT, SIGTERM, Signals

import pytest

# The process signals itself: a signal to itself is delivered before `kill` returns.
HEAD = """
import os, signal, sys
from pytest_netlab.lab.lifetime import signals

def hit(*numbers):
    for number in numbers:
        os.kill(os.getpid(), number)
"""


def ran(code: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own."""
    command = [sys.executable, "-c", HEAD + code]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("number", [SIGTERM, SIGHUP])
def test_signal_closes_in_order(number: Signals) -> None:
    """What the block opened is closed, and the exit code names the signal."""
    done = ran(f"""
try:
    with signals.orderly():
        try:
            hit({int(number)})
            print("went on")
        finally:
            print("closed")
except signals.Interrupted as error:
    print(error)
    sys.exit(signals.exit_code())
""")

    assert done.stdout.split() == ["closed", number.name]
    assert done.returncode == 128 + number


def test_more_signals_do_not_cut_the_closing() -> None:
    """Signals after the first one do not disturb what closes."""
    done = ran("""
try:
    with signals.orderly():
        try:
            hit(signal.SIGTERM)
        finally:
            hit(signal.SIGTERM, signal.SIGHUP, signal.SIGTERM)
            print("closed")
except signals.Interrupted as error:
    print(error)
""")

    assert done.stdout.split() == ["closed", "SIGTERM"], done.stderr


def test_signal_that_was_dropped_counts_again() -> None:
    """Python drops what is raised in a finalizer; after a while one more ends all."""
    done = ran("""
signals.ONCE_SECONDS = 0

class Finalized:
    def __del__(self):
        hit(signal.SIGTERM)

try:
    with signals.orderly():
        Finalized()
        print("went on")
        hit(signal.SIGTERM)
        print("was not ended")
except signals.Interrupted:
    print("ended")
""")

    assert done.stdout.splitlines() == ["went on", "ended"]


@pytest.mark.parametrize("number", [SIGTERM, SIGHUP, SIGINT])
def test_deferred_signal_waits(number: Signals) -> None:
    """A signal waits for the end of a block that must not be cut, nested ones too."""
    done = ran(f"""
try:
    with signals.orderly():
        with signals.deferred():
            with signals.deferred():
                hit({int(number)})
            print("whole")
        print("too late")
except KeyboardInterrupt as error:
    print(type(error).__name__)
""")

    kind = "KeyboardInterrupt" if number == SIGINT else "Interrupted"
    assert done.stdout.split() == ["whole", kind], done.stderr


def test_handlers_come_back() -> None:
    """After the block the handlers are those from before."""
    done = ran("""
def handlers():
    return [signal.getsignal(n) for n in (1, 2, 15)]

before = handlers()
with signals.orderly():
    with signals.orderly():
        inner = handlers()
    assert handlers() == inner != before
assert handlers() == before
print("same")
""")

    assert done.stdout == "same\n", done.stderr


def test_other_handlers_stay() -> None:
    """The SIG_IGN of nohup stays, and so does a handler of somebody else's."""
    done = ran("""
signal.signal(signal.SIGHUP, signal.SIG_IGN)
signal.signal(signal.SIGTERM, lambda *_: print("theirs"))
with signals.orderly():
    hit(signal.SIGHUP, signal.SIGTERM)
    print("went on")
""")

    assert done.stdout.split() == ["theirs", "went", "on"]


def test_threads_have_no_handlers() -> None:
    """In another thread the block runs as if there were nothing around it."""
    done = ran("""
import threading

def work():
    with signals.orderly(), signals.deferred():
        print("worked")

thread = threading.Thread(target=work)
thread.start()
thread.join()
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
""")

    assert done.stdout == "worked\n", done.stderr


def test_thread_comes_back_from_a_namespace() -> None:
    """A signal inside another network namespace waits until the thread is back."""
    done = ran("""
from pytest_netlab.lab.net.netns import inside
here = os.readlink("/proc/thread-self/ns/net")
try:
    with signals.orderly(), inside("/proc/self/ns/net"):
        hit(signal.SIGTERM)
        print("inside")
except signals.Interrupted:
    print("back", os.readlink("/proc/thread-self/ns/net") == here)
""")
    if "run as root" in done.stderr:
        pytest.skip("needs root")

    assert done.stdout.splitlines() == ["inside", "back True"], done.stderr
