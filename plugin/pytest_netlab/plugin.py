"""The pytest plugin: options, marker, fixtures, reports. It only wires."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from importlib.resources import files
from ipaddress import IPv4Interface
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_netlab import hookspecs
from pytest_netlab.errors import LabError, LabUnavailableError, PolicyError
from pytest_netlab.lab import suites
from pytest_netlab.spec import ARTIFACTS, LabOptions, Scenario, Topology

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from pytest_netlab.lab.protocol import Lab
    from pytest_netlab.lab.stored import Stored
    from pytest_netlab.runner import Netlab
    from pytest_netlab.store import PendingStore, Store

UNREFERENCED = ("ignore", "warn", "reject", "delete")
ENGINES = ("private", "host", "fake")
KEEP = ("on-failure", "always", "never")
STORED = pytest.StashKey["Stored"]()
MARKER = (
    "netlab(id, waive=[...]): a Docker networking scenario, judged from packets; waive "
    "names global negatives that it may show (pytest-netlab)"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register options and ini keys."""
    group = parser.getgroup(
        "netlab", "Docker host networking scenarios (pytest-netlab)"
    )
    _lab_options(group)
    _golden_options(group)
    parser.addini("netlab_golden", "folder of goldens, from rootdir", default="golden")


def _lab_options(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--netlab-engine",
        choices=ENGINES,
        default="private",
        help="private: a dockerd of its own in its own namespaces (default); host: the "
        "running engine at DOCKER_HOST; fake: a NAT in memory, needs nothing",
    )
    group.addoption(
        "--netlab-engine-suite",
        choices=suites.SUITES,
        help="take the private engine, with its iptables and nft, from this Debian "
        "suite: a root is built once by mmdebstrap (a minute) and cached",
    )
    group.addoption(
        "--netlab-engine-root",
        metavar="DIR",
        help="take it from an unpacked root directory, or an unpacked static release",
    )
    group.addoption(
        "--netlab-image",
        metavar="NAME|FILE",
        help="image for the containers (it must hold sh and sleep; for the web server "
        "python3, or busybox httpd): a name the engine knows, or an archive of `docker "
        "save` or `docker export`. Default: built from the machine's static busybox",
    )
    group.addoption(
        "--netlab-uplink-address",
        metavar="ADDR/LEN",
        help="the host's address on the lab's uplink, host01 and host02 being its "
        "neighbours (default 172.16.211.128/24)",
    )
    group.addoption(
        "--netlab-strict",
        action="store_true",
        help="fail instead of skipping where root, dockerd or a tool is missing",
    )


def _golden_options(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--netlab-update",
        action="store_const",
        const="all",
        default="none",
        dest="netlab_update",
        help="record what is seen as the new goldens (refused when CI is set)",
    )
    group.addoption(
        "--netlab-update-new-only",
        action="store_const",
        const="new",
        dest="netlab_update",
        help="record goldens that are not there yet, and judge by those that are",
    )
    group.addoption(
        "--netlab-unreferenced",
        choices=UNREFERENCED,
        default="warn",
        help="what to do about goldens no scenario used, after a complete run: ignore, "
        "warn (default), reject (the run fails) or delete (refused when CI is set)",
    )
    group.addoption(
        "--netlab-artifacts",
        metavar="DIR",
        help="where evidence goes, a folder a scenario, and goldens that wait for "
        f"`pytest-netlab review` (default: {ARTIFACTS}); given, evidence is kept of "
        "passes too",
    )
    group.addoption(
        "--netlab-keep",
        choices=KEEP,
        help="when to keep evidence: packets, stories, rules, conntrack, verdict "
        "(default: on-failure; always with --netlab-artifacts)",
    )
    group.addoption(
        "--netlab-offline",
        metavar="DIR",
        help="judge stored packets instead of running the scenarios, without root or "
        "Docker: a folder of evidence, of goldens, or of captures <scenario>.pcapng",
    )


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the hooks other plugins may implement."""
    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; refuse what cannot be meant."""
    config.addinivalue_line("markers", MARKER)
    _refuse_in_ci(config)
    _lab_options_of(config)
    if wrong := suites.misuse(*_engine_choice(config)):
        raise pytest.UsageError(wrong)
    _watch_unreferenced(config)
    _offline_of(config)


def _refuse_in_ci(config: pytest.Config) -> None:
    """Refuse what would write or remove goldens where nobody reviews them."""
    asked = {
        "--netlab-update": config.getoption("netlab_update") == "all",
        "--netlab-update-new-only": config.getoption("netlab_update") == "new",
        "--netlab-unreferenced=delete": config.getoption("netlab_unreferenced")
        == "delete",
    }
    for option in [name for name, given in asked.items() if given]:
        if os.environ.get("CI"):
            raise pytest.UsageError(
                f"{option}: CI never writes goldens; do it by hand and commit"
            )


def _watch_unreferenced(config: pytest.Config) -> None:
    """Look for goldens that no scenario uses; a run of stored packets has few."""
    choice = config.getoption("netlab_unreferenced")
    if choice != "ignore" and not config.getoption("--netlab-offline"):
        from pytest_netlab.unreferenced import Unreferenced  # noqa: PLC0415

        watch = Unreferenced(config, choice)
        config.pluginmanager.register(watch, "netlab_unreferenced")


def _offline_of(config: pytest.Config) -> None:
    """Refuse a folder that is none; xdist's workers are given its full path."""
    named = config.getoption("--netlab-offline")
    if named is None:
        return
    if config.getoption("netlab_update") != "none":
        text = "--netlab-update records what a lab shows; --netlab-offline has no lab"
        raise pytest.UsageError(text)
    folder = config.invocation_params.dir / named
    if not folder.is_dir():
        raise pytest.UsageError(f"--netlab-offline: {named} is no folder")
    kept = config.getoption("--netlab-artifacts")
    if kept and (config.rootpath / kept).resolve() == folder.resolve():
        text = "--netlab-artifacts: name another folder than --netlab-offline reads"
        raise pytest.UsageError(text)
    config.option.netlab_offline = str(folder)


def _lab_options_of(config: pytest.Config) -> LabOptions:
    """Return what the command line says about the lab."""
    topology = Topology()
    address = config.getoption("--netlab-uplink-address")
    try:
        if address:
            topology = Topology(uplink=IPv4Interface(address))
    except ValueError as error:
        raise pytest.UsageError(f"--netlab-uplink-address: {error}") from error
    worker = getattr(config, "workerinput", {}).get("workerid", "gw0")
    return LabOptions(
        topology=topology,
        image=config.getoption("--netlab-image"),
        worker=int(worker.removeprefix("gw")),
    )


def _engine_choice(config: pytest.Config) -> tuple[str, str | None, str | None]:
    names = ("--netlab-engine", "--netlab-engine-suite", "--netlab-engine-root")
    engine, suite, root = map(config.getoption, names)
    return engine, suite, root


def _engine_root(config: pytest.Config) -> Path | None:
    """Return the folder the engine is taken from; a suite's is built if need be."""
    _, suite, folder = _engine_choice(config)
    return suites.chosen(suite, folder, lambda t: _progress(config, f"netlab: {t}"))


def pytest_report_header(config: pytest.Config) -> str | None:
    """Tell what is under test, when scenarios are asked for."""
    if "netlab" not in (config.getoption("-m") or ""):
        return None
    if folder := config.getoption("--netlab-offline"):
        return f"netlab: judges the packets stored in {folder}"
    if config.option.collectonly:  # and no root is built for it
        return "netlab: collects, and starts no lab"
    from pytest_netlab.lab.versions import header  # noqa: PLC0415 - runs programs

    try:
        root = _engine_root(config)
    except LabUnavailableError as error:
        return f"netlab: {error}"
    except LabError as error:
        raise pytest.UsageError(str(error)) from error
    return header(config.getoption("--netlab-engine"), root)


@pytest.fixture(scope="session")
def netlab_lab(pytestconfig: pytest.Config) -> Iterator[Lab]:
    """Start this worker's lab on first use; close it at the end of the session."""
    from pytest_netlab.lab import backends  # noqa: PLC0415 - imports docker, pyroute2

    if pytestconfig.getoption("--netlab-offline"):
        pytest.skip("this run judges stored packets (--netlab-offline): it has no lab")
    engine = pytestconfig.getoption("--netlab-engine")
    _progress(pytestconfig, f"netlab: starting the lab (engine {engine}) ...")
    with _skipping(pytestconfig):
        root = _engine_root(pytestconfig)
        options = replace(_lab_options_of(pytestconfig), root=root)
        lab = backends.start(engine, options)
    try:
        pytestconfig.hook.pytest_netlab_lab_started(lab=lab)
        yield lab
    finally:
        lab.close()


@contextmanager
def _skipping(config: pytest.Config) -> Iterator[None]:
    """Skip what cannot run here, with the reason; with --netlab-strict do not."""
    try:
        yield
    except LabUnavailableError as error:
        if config.getoption("--netlab-strict"):
            raise
        pytest.skip(f"{error} (--netlab-strict makes this a failure)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Skip a scenario that asks for what its lab does not have."""
    scenario = item.get_closest_marker("netlab") is not None
    with _skipping(item.config) if scenario else nullcontext():
        yield


@pytest.fixture
def netlab(request: pytest.FixtureRequest) -> Netlab:
    """Return the lab as this scenario sees it, in the state all start from."""
    from pytest_netlab.runner import Netlab  # noqa: PLC0415 - imports numpy
    from pytest_netlab.store import Store  # noqa: PLC0415

    scenario, store = _scenario(request.node), Store(_golden_folder(request.node))
    if offline := request.config.getoption("--netlab-offline"):
        request.node.stash[STORED] = _stored(request.config, scenario, store)
        lab: Any = _over(request.node.stash[STORED])
    else:
        lab = request.getfixturevalue("netlab_lab")
    update = request.config.getoption("netlab_update")
    found = Netlab(lab, scenario, store, update=update)
    if offline:
        found.stored = request.node.stash[STORED].bundle
    return found


def _stored(config: pytest.Config, scenario: Scenario, store: Store) -> Stored:
    """Return what is stored of a scenario; skip it where there is nothing to judge."""
    from pytest_netlab.lab import stored  # noqa: PLC0415 - imports numpy

    folder = Path(config.getoption("--netlab-offline"))
    try:
        return stored.find(folder, scenario)
    except LabUnavailableError as error:
        if not store.folder(scenario.id).is_dir():
            pytest.skip(f"{scenario.label} has no golden: it asserts on a live host")
        with _skipping(config):
            raise LabUnavailableError(str(error)) from error
    raise AssertionError  # either way the line before has raised


def _over(stored: Stored) -> Lab:
    from pytest_netlab.lab.stored import StoredLab  # noqa: PLC0415 - imports numpy

    return StoredLab(stored)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Judge what is stored of a scenario instead of calling it: there is no lab."""
    if not pyfuncitem.config.getoption("--netlab-offline"):
        return None
    if pyfuncitem.get_closest_marker("netlab") is None:
        return None
    found = pyfuncitem.stash.get(STORED, None)
    if found is None:
        pytest.skip("--netlab-offline: this scenario does not use the netlab fixture")
    netlab: Any = pyfuncitem.funcargs["netlab"]
    netlab.rejudge(found.capture, found.failure)
    return True


def _scenario(item: pytest.Item) -> Scenario:
    """Return the declaration of a test: id from its marker, else from its file."""
    from pytest_netlab.diff.policy import waivers  # noqa: PLC0415 - imports numpy

    marker = item.get_closest_marker("netlab")
    name = item.path.stem.removeprefix("test_").replace("_", "-")
    if marker is not None and marker.args:
        name = marker.args[0]
    said = dict(marker.kwargs) if marker is not None else {}
    waive = said.pop("waive", ())
    if said:
        names = ", ".join(said)
        raise pytest.UsageError(f"{item.nodeid}: the marker netlab takes no {names}")
    doc = getattr(getattr(item, "function", None), "__doc__", None) or ""
    about = doc.strip().partition("\n")[0]
    try:
        waived = tuple(waivers(waive))
        return Scenario(id=name, description=about, test=item.name, waive=waived)
    except (PolicyError, ValueError) as error:
        raise pytest.UsageError(f"{item.nodeid}: {error}") from error


def _golden_folder(item: pytest.Item) -> Path:
    """Return where goldens are: bundled ones for bundled scenarios, else the ini's."""
    config = item.config
    if item.path.parent != Path(str(files("pytest_netlab.scenarios"))):
        return config.rootpath / str(config.getini("netlab_golden"))
    bundled = Path(str(files("pytest_netlab.golden")))
    ours = bundled.is_relative_to(config.rootpath)
    if config.getoption("netlab_update") != "none" and not ours:
        raise pytest.UsageError(
            f"--netlab-update: {bundled} belongs to the installed package; copy the "
            "scenario into your project to record a golden of your own"
        )
    return bundled


def _progress(config: pytest.Config, text: str) -> None:
    """Say what takes time, past pytest's capture; xdist workers have no terminal."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    if terminal is None or capture is None:
        return
    with capture.global_and_fixture_disabled():
        terminal.ensure_newline()
        terminal.write_line(text)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a scenario's report lead with the verdict, and keep its evidence."""
    report = yield
    if item.get_closest_marker("netlab") is None:
        return report
    report.user_properties += _golden_used(item)
    if report.skipped:
        return report
    from pytest_netlab.report import outcome  # noqa: PLC0415 - only for scenarios

    netlab = getattr(item, "funcargs", {}).get("netlab")
    error = call.excinfo.value if call.excinfo else None
    found = outcome.of(
        error,
        netlab,
        node=item.nodeid,
        keep=_keep(item.config, report),
        pending=_pending(item, report),
    )
    if found is None:
        return report
    report.user_properties += found.properties
    if found.text and error is not None:
        tail = f"\n\n{report.longreprtext}" if found.unexplained else ""
        report.longrepr = _repr(found.text + tail)
        report.netlab_error = found.error  # type: ignore[attr-defined]
    return report


def _keep(config: pytest.Config, report: pytest.TestReport) -> Path | None:
    """Return the folder for evidence of this phase; None for none."""
    named = config.getoption("--netlab-artifacts")
    keep = config.getoption("--netlab-keep")
    if keep is None:
        keep = "always" if named else "on-failure"
        if config.getoption("--netlab-offline") and not named:
            return None  # it is there already
    wanted = keep == "always" or (keep == "on-failure" and report.failed)
    if not wanted or report.when != "call":
        return None
    return config.rootpath / str(named or ARTIFACTS)


def _pending(item: pytest.Item, report: pytest.TestReport) -> PendingStore | None:
    """Return where this phase may propose a golden; None for nowhere.

    CI writes nothing, an installed package's goldens are not the user's to change, and
    what is stored was proposed when it was seen.
    """
    from pytest_netlab.store import PendingStore  # noqa: PLC0415 - imports numpy

    config = item.config
    never = os.environ.get("CI") or config.getoption("--netlab-keep") == "never"
    if never or config.getoption("--netlab-offline") or report.when != "call":
        return None
    if not _golden_folder(item).is_relative_to(config.rootpath):
        return None
    place = config.rootpath / str(config.getoption("--netlab-artifacts") or ARTIFACTS)
    return PendingStore.beside(place)


def _golden_used(item: pytest.Item) -> list[tuple[str, object]]:
    """Return which golden a test uses, as a property of its report."""
    try:
        folder = _golden_folder(item) / _scenario(item).id
    except pytest.UsageError:  # its fixture has said so
        return []
    return [("netlab_golden", str(folder))]


def _repr(text: str) -> Any:
    """Return a failure representation that is this text and nothing else."""
    try:
        pytest.fail(text, pytrace=False)
    except pytest.fail.Exception as error:
        return pytest.ExceptionInfo.from_exception(error).getrepr(style="value")


def pytest_report_teststatus(report: Any) -> tuple[str, str, str] | None:
    """Count a capture or lab that broke as an error, not as a failed assertion."""
    if report.when == "call" and getattr(report, "netlab_error", False):
        return "error", "E", "ERROR"
    return None


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell in one line what the scenarios showed, and where evidence is."""
    told = [
        dict(report.user_properties)
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
    ]
    told = [properties for properties in told if "netlab_outcome" in properties]
    if not told:
        return
    counts = Counter(properties["netlab_outcome"] for properties in told)
    text = ", ".join(f"{count} {name}" for name, count in counts.items())
    terminalreporter.section("netlab", sep="-")
    terminalreporter.write_line(f"scenarios judged from packets: {text}")
    places = [
        f"{name}: {properties[f'netlab_{name}']}"
        for properties in told
        for name in ("recorded", "pending", "evidence")
        if f"netlab_{name}" in properties
    ]
    for place in dict.fromkeys(places):
        terminalreporter.write_line(place)
