"""The pytest plugin: options, marker, fixtures, reports. It only wires."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import replace
from inspect import isgeneratorfunction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_netlab.errors import (
    DeclarationError,
    GoldenError,
    LabError,
    LabUnavailableError,
    ReplayError,
)
from pytest_netlab.lab.lifetime import owner, signals
from pytest_netlab.lab.rootfs import suites
from pytest_netlab.layout import folded
from pytest_netlab.plugin import (
    advice,
    arguments,
    goldens,
    hiding,
    hookspecs,
    isolation,
    lab_options,
    marker,
    options,
    repeated,
    shown,
    summary,
)
from pytest_netlab.plugin.unreferenced import GOLDEN
from pytest_netlab.spec import PENDING
from pytest_netlab.terminal import joined, one_line

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from pytest_netlab.evidence import Stored
    from pytest_netlab.lab.protocol import Lab
    from pytest_netlab.run import ScenarioRun
    from pytest_netlab.session import Netlab
    from pytest_netlab.spec import Scenario
    from pytest_netlab.store import Store

SHOWN = 20  # invalid markers of one file, at most
STORED = pytest.StashKey["Stored"]()
RUN = pytest.StashKey["ScenarioRun"]()
HELD = pytest.StashKey[bool]()  # a fixture's teardown may still check what it captured
PASSED = pytest.StashKey[bool]()
CLAIMED = pytest.StashKey[dict[Path, str]]()


def pytest_addoption(
    parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager
) -> None:
    """Register options and ini keys; refuse paths that pytest takes for tests."""
    options.register(parser)
    config: Any = pluginmanager.get_plugin("pytestconfig")
    isolation.refuse_split(config)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Refuse code and goldens from evidence while no conftest has run."""
    isolation.refuse_inside(early_config, early_config.known_args_namespace)
    return (yield)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collect no tests from evidence that lies below rootdir."""
    return isolation.ignored(config, collection_path) or None


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the hooks other plugins may implement."""
    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; refuse invalid options."""
    config.addinivalue_line("markers", marker.HELP)
    if text := isolation.inside(config, config.option):  # a conftest may load us late
        pytest.exit(text, isolation.WRONG_USE)
    with shown.refusals():
        options.check(config)
    hiding.register(config)
    if not hasattr(config, "workerinput"):  # the controller prints
        config.pluginmanager.register(repeated.Repeated(), "netlab_repeated")
    owner.disown_dead()  # before xdist starts its workers
    config.stash[CLAIMED] = {}
    config.pluginmanager.register(summary.Summary(), "netlab_summary")
    _watch_unreferenced(config)


def _watch_unreferenced(config: pytest.Config) -> None:
    """Watch for goldens that no scenario uses; not where stored packets are judged."""
    choice = config.getoption("netlab_unreferenced")
    partial = config.getoption("--netlab-offline") or options.replays(config)
    if choice != "ignore" and not partial:
        from pytest_netlab.plugin.unreferenced import Unreferenced  # noqa: PLC0415

        watch = Unreferenced(config, choice)
        config.pluginmanager.register(watch, "netlab_unreferenced")


def _engine_root(config: pytest.Config) -> Path | None:
    """Return the folder the engine is taken from; a suite's is built if needed."""
    _, suite, folder = lab_options.of_engine(config)
    with advice.advising():
        return suites.chosen(suite, folder, lambda t: _progress(config, f"netlab: {t}"))


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Report what is under test, if scenarios are selected."""
    mask = hiding.mask(config)
    with shown.refusals():
        columns = shown.wide(config)
        return [
            piece
            for reported in _header(config)
            for piece in folded(one_line(mask.text(f"netlab: {reported}")), columns)
        ]


def _header(config: pytest.Config) -> list[str]:
    if "netlab" not in (config.getoption("-m") or ""):
        return []
    if folder := config.getoption("--netlab-offline"):
        return [f"judges the packets stored in {folder}"]
    if config.option.collectonly:  # and no root is built for it
        return ["collects, and starts no lab"]
    from pytest_netlab.lab import modules, versions  # noqa: PLC0415 - runs programs

    try:
        root = _engine_root(config)
    except LabUnavailableError as error:
        return [str(error)]
    except LabError as error:
        raise pytest.UsageError(hiding.mask(config).text(str(error))) from error
    engine = config.getoption("--netlab-engine")
    return [
        reported
        for reported in (
            versions.header(engine, root, lab_options.of_lab(config).firewall),
            versions.uplink_note(engine),
            modules.note(engine),
        )
        if reported
    ]


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[
    None, pytest.CollectReport, pytest.CollectReport
]:
    """Refuse a file or class whose markers are invalid."""
    report = yield
    tests = [node for node in report.result if isinstance(node, pytest.Item)]
    wrong = [text for test in tests if (text := marker.misused(test))]
    if wrong:
        report.outcome, report.result = "failed", []
        report.longrepr = joined(wrong[:SHOWN])
        setattr(report, shown.TEXT, True)
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist how pytest was started, for the commands it prints."""
    node.workerinput[arguments.STARTED] = arguments.started(node.config)


@pytest.fixture(scope="session")
def netlab_lab(pytestconfig: pytest.Config) -> Iterator[Lab]:
    """Start this worker's lab on first use; close it at the end of the session."""
    from pytest_netlab.lab import backends  # noqa: PLC0415 - imports docker, pyroute2

    if pytestconfig.getoption("--netlab-offline"):
        pytest.skip("this run judges stored packets (--netlab-offline): it has no lab")
    engine = pytestconfig.getoption("--netlab-engine")
    with signals.orderly():
        _progress(pytestconfig, f"netlab: starting the lab (engine {engine}) ...")
        lab: Lab | None = None
        try:
            with _skipping(pytestconfig):
                root = _engine_root(pytestconfig)
                mask = hiding.mask(pytestconfig)
                wanted = replace(lab_options.of_lab(pytestconfig), root=root, mask=mask)
                lab = backends.start(engine, wanted)
            pytestconfig.hook.pytest_netlab_lab_started(lab=lab)
            yield lab
        finally:
            with signals.deferred():
                if lab is not None:
                    lab.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Let xdist's controller, which has no lab, end its workers before it ends."""
    scenarios = "netlab" in (session.config.getoption("-m") or "")
    controls = session.config.pluginmanager.has_plugin("dsession")
    with signals.orderly() if scenarios and controls else nullcontext():
        return (yield)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Exit with the code of the signal that ended the run; lay out what is printed.

    A worker keeps pytest's own code, by which xdist knows what happened to it.
    """
    code = signals.exit_code()
    interrupted = session.exitstatus == pytest.ExitCode.INTERRUPTED
    if code and interrupted and not hasattr(session.config, "workerinput"):
        session.exitstatus = code
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        shown.lay_out(reporter)


@contextmanager
def _skipping(config: pytest.Config) -> Iterator[None]:
    """Skip what cannot run here, with the reason; with --netlab-strict raise."""
    try:
        with advice.advising():
            yield
    except LabUnavailableError as error:
        if config.getoption("--netlab-strict"):
            raise
        pytest.skip(f"{error} (--netlab-strict makes this a failure)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Skip a scenario that asks for what its lab lacks; demand a verdict of others."""
    with _skipping(item.config) if marker.is_on(item) else advice.advising():
        yield
    item.stash[PASSED] = True
    if (run := _run(item)) is not None and HELD not in item.stash:
        run.demand_judged()


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> None:
    """Note a fixture whose teardown may check what the test has captured."""
    if "netlab" in fixturedef.argnames and isgeneratorfunction(fixturedef.func):
        request.node.stash[HELD] = True


@pytest.fixture
def netlab(request: pytest.FixtureRequest) -> Iterator[Netlab]:
    """Provide the lab for this scenario, in the state that all scenarios start from."""
    from pytest_netlab.recorder import Claims  # noqa: PLC0415 - imports numpy
    from pytest_netlab.run import ScenarioRun  # noqa: PLC0415
    from pytest_netlab.session import Netlab  # noqa: PLC0415
    from pytest_netlab.store import Store  # noqa: PLC0415

    config, stash = request.config, request.node.stash
    _refuse_shared(request.node)
    scenario = marker.scenario(request.node)
    store = Store(goldens.folder(request.node))
    if config.getoption("--netlab-offline"):
        stash[STORED] = _stored(config, scenario, store)
        lab: Any = _over(stash[STORED])
    else:
        lab = request.getfixturevalue("netlab_lab")
    _sweep(config, scenario, store)
    stash[RUN] = ScenarioRun(
        lab,
        scenario,
        store,
        update=config.getoption("netlab_update"),
        claims=Claims(test=request.node.nodeid, by=config.stash[CLAIMED]),
        mask=hiding.mask(config),
        bundle=stash[STORED].bundle if STORED in stash else None,
    )
    yield Netlab(stash[RUN])
    if HELD in stash and PASSED in stash:
        stash[RUN].demand_judged()


def _refuse_shared(item: pytest.Item) -> None:
    """Refuse to record a golden of two tests in workers: each would undo the other."""
    config = item.config
    records = config.getoption("netlab_update") != "none"
    if not records or not hasattr(config, "workerinput"):
        return
    golden = goldens.folder(item) / marker.scenario(item).id
    for other in item.session.items:
        same = marker.is_on(other) and marker.scenario(other).id == golden.name
        if same and other is not item and goldens.folder(other) == golden.parent:
            raise GoldenError(
                f"{item.nodeid} and {other.nodeid} have one golden, {golden.name}: "
                "record it without pytest-xdist (-n0), or give each an id of its own"
            )


def _run(item: pytest.Item) -> ScenarioRun | None:
    """Return the run of a test that has the fixture; None where it did not get it."""
    has = "netlab" in getattr(item, "funcargs", {})
    return item.stash.get(RUN, None) if has else None


def _sweep(config: pytest.Config, scenario: Scenario, store: Store) -> None:
    """Repair what a killed run left in the folders that this one uses."""
    from pytest_netlab.files import folders  # noqa: PLC0415 - only for scenarios

    store.sweep(scenario.id)
    if not config.getoption("--netlab-offline"):
        folders.leftovers(goldens.artifacts(config))
        folders.leftovers(goldens.artifacts(config) / PENDING)


def _stored(config: pytest.Config, scenario: Scenario, store: Store) -> Stored:
    """Return what is stored of a scenario; skip it where there is nothing to judge."""
    from pytest_netlab import evidence  # noqa: PLC0415 - imports numpy

    folder = Path(config.getoption("--netlab-offline"))
    try:
        return evidence.find(folder, scenario)
    except LabUnavailableError as error:
        if not store.folder(scenario.id).is_dir():
            pytest.skip(f"{scenario.label} has no golden: it asserts on a live host")
        with _skipping(config):
            raise LabUnavailableError(str(error)) from error
    raise AssertionError  # either way the line before has raised


def _over(stored: Stored) -> Lab:
    from pytest_netlab.lab.backends.stored import StoredLab  # noqa: PLC0415 - imports numpy

    return StoredLab(stored.capture.names, stored.facts, stored.state)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Judge a scenario by stored packets, or replay its golden, without its body."""
    offline = pyfuncitem.config.getoption("--netlab-offline")
    replay = options.replays(pyfuncitem.config)
    if not (offline or replay) or not marker.is_on(pyfuncitem):
        return None
    if replay:
        _rerun(pyfuncitem)
        return True
    found = pyfuncitem.stash.get(STORED, None)
    if found is None:
        pytest.skip("--netlab-offline: this scenario does not use the netlab fixture")
    pyfuncitem.stash[RUN].judge_stored(found)
    return True


def _rerun(item: pytest.Function) -> None:
    """Replay the golden of a scenario; skip it with the reason if that cannot be."""
    if "netlab" not in item.funcargs:
        pytest.skip("--netlab-stimulus=replay: it does not use the netlab fixture")
    from pytest_netlab.store import MissingGoldenError  # noqa: PLC0415 - imports numpy

    try:
        item.stash[RUN].replay_golden()
    except (MissingGoldenError, ReplayError) as error:
        pytest.skip(f"--netlab-stimulus=replay: {error}")


def _progress(config: pytest.Config, text: str) -> None:
    """Print progress, past pytest's capture; xdist workers have no terminal."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    if terminal is None or capture is None:
        return
    with capture.global_and_fixture_disabled():
        terminal.ensure_newline()
        terminal.write_line(one_line(hiding.mask(config).text(text)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the verdict first in a scenario's report, and keep its evidence.

    The text comes from packets, files and programs, so it is escaped for every test
    that uses a lab. Secrets are masked before that.
    """
    report = yield
    if marker.is_on(item):
        setattr(report, summary.SCENARIO, True)
        _lead(item, call, report)
    hiding.hide(item.config, report)
    if hiding.uses_lab(item):
        error = call.excinfo.value if call.excinfo else None
        repeated.say(report, error, hiding.mask(item.config))
        shown.spell_out(report)
    return report


def _lead(
    item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
) -> None:
    """Put the verdict first in a report, and keep the evidence."""
    _note_golden(item, report)
    if report.skipped:
        return
    from pytest_netlab.ended import ended  # noqa: PLC0415 - only for scenarios
    from pytest_netlab.plugin import rerun  # noqa: PLC0415
    from pytest_netlab.report import outcome  # noqa: PLC0415

    error = call.excinfo.value if call.excinfo else None
    pending = goldens.pending(item, report)
    how = ended(_run(item), error, test=item.nodeid, pending=pending)
    steps = rerun.steps(item) if error is not None else None
    found = outcome.of(how, keep=_keep(item.config, report), steps=steps)
    if found is None:
        return
    report.user_properties += found.properties
    setattr(report, summary.JUDGED, found.judged)
    if found.text and error is not None:
        tail = f"\n\n{report.longreprtext}" if found.unexplained else ""
        report.longrepr = shown.failure(found.text + tail)
        report.netlab_error = found.error  # type: ignore[attr-defined]
        setattr(report, shown.TEXT, True)


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
    return goldens.artifacts(config)


def _note_golden(item: pytest.Item, report: pytest.TestReport) -> None:
    """Record which golden a test uses: as a property to show, and unescaped."""
    try:
        folder = goldens.folder(item) / marker.scenario(item).id
    except (DeclarationError, GoldenError):  # its fixture has said so
        return
    report.user_properties.append((GOLDEN, str(folder)))
    setattr(report, GOLDEN, str(folder))


def pytest_report_teststatus(report: Any) -> tuple[str, str, str] | None:
    """Count a capture or lab that broke as an error, not as a failed assertion."""
    if report.when == "call" and getattr(report, "netlab_error", False):
        return "error", "E", "ERROR"
    return None
