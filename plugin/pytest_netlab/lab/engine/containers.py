"""The containers of a lab: created, started in order, checked, inspected.

Knows the docker SDK and one engine; not how its namespaces are reached from here.
"""

from __future__ import annotations

import queue
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import LabError
from pytest_netlab.host import naming
from pytest_netlab.lab.engine.host_engine import refusals
from pytest_netlab.lab.lifetime.owner import LABEL
from pytest_netlab.spec import CONTAINERS, WEB_PORT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

LISTEN = "0A"  # TCP_LISTEN in /proc/net/tcp

# Process 1 has no default actions: without a handler for TERM, stopping costs 10 s. A
# shell runs its trap only between commands or in `wait`, hence the background job.
_TRAP = "trap 'exit 0' TERM INT\n"
_IDLE = _TRAP + "while :; do sleep 3600 & wait; done"
_WEB = (
    _TRAP
    + f"""(if command -v python3 >/dev/null
then exec python3 -m http.server {WEB_PORT}
else exec httpd -f -vv -p 0.0.0.0:{WEB_PORT} -h /srv
fi) & wait"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run.

    Attributes:
        image: name or id of the image.
        owner: the lab's token.
        prefix: of the containers' names.
        published: address and port of the host at which web is published.
        transports: protocols of the published port: tcp, udp.

    """

    image: str
    owner: str
    prefix: str
    published: tuple[str, int]
    transports: tuple[str, ...]


def create(client: Any, plan: Plan) -> dict[str, Any]:
    """Create the containers in parallel, without starting them.

    Raises:
        LabError: the engine refused; the caller removes those already created.

    """
    with ThreadPoolExecutor(len(CONTAINERS)) as pool:
        jobs = {name: pool.submit(_create, client, plan, name) for name in CONTAINERS}
    return {name: job.result() for name, job in jobs.items()}


def start(client: Any, containers: Mapping[str, Any]) -> None:
    """Start the containers in order, so that each gets the next address.

    An engine assigns addresses in the order in which containers join the network, and
    reports a join long before the container runs: the next start begins then. Without
    a report it begins when the start call has returned.
    """
    joined: queue.Queue[str] = queue.Queue()
    with (
        closing(_joins(client)) as events,
        ThreadPoolExecutor(len(containers)) as pool,
    ):
        Thread(target=_report, args=(events, joined), daemon=True).start()
        jobs = [_start_next(pool, *item, joined) for item in containers.items()]
    for job in jobs:
        job.result()
    demand_running(containers)


def demand_running(containers: Mapping[str, Any]) -> None:
    """Check that no container has ended.

    Raises:
        LabError: one has; the text has its log.

    """
    with (
        refusals("asking how its containers are"),
        ThreadPoolExecutor(len(containers)) as pool,
    ):
        list(pool.map(lambda item: item.reload(), containers.values()))
    for name, container in containers.items():
        if not pid(container):
            raise LabError(
                f"container {name} ended at once. {_last_log_lines(container)}"
            )


def endpoint(container: Any) -> dict[str, Any]:
    """Return the engine's endpoint settings of a container on the default bridge."""
    networks: dict[str, dict[str, Any]] = container.attrs["NetworkSettings"]["Networks"]
    return networks["bridge"]


def others(client: Any, own: Collection[str]) -> dict[str, str]:
    """Return address -> name of the running containers that are none of the lab's.

    The name says which port the container's maker publishes: what else there is to tell
    it from others may differ in every run. A port that the engine chose does too.

    Args:
        client: of the engine.
        own: ids of the lab's containers.

    """
    found = {}
    with refusals("asking which containers run"):
        ids = [one["Id"] for one in client.api.containers() if one["Id"] not in own]
    for one in ids:
        with suppress(LabError), refusals("asking where a container is"):  # it ended
            about = client.api.inspect_container(one)
            end = about["NetworkSettings"]["Networks"].get("bridge") or {}
            name = naming.container(_published(about["HostConfig"]["PortBindings"]))
            for key in ("IPAddress", "GlobalIPv6Address"):
                found[end.get(key) or ""] = name
    found.pop("", None)
    return found


def _published(bindings: Mapping[str, Any] | None) -> int | None:
    """Return the lowest port of the host that was asked for; None if none was."""
    asked = [
        one.get("HostPort") or ""
        for all_ in (bindings or {}).values()
        for one in all_ or ()
    ]
    ports = [int(port) for port in asked if port.isdecimal() and int(port)]
    return min(ports, default=None)


def pid(container: Any) -> int:
    """Return the pid of its process 1, in the engine's pid namespace."""
    return int(container.attrs["State"]["Pid"])


def await_web(sockets: Iterable[str], container: Any, deadline: float = 10) -> None:
    """Return when the web server listens; a request would leave a line in its log.

    Args:
        sockets: texts of the container's /proc/PID/net/tcp and tcp6, read when asked.
        container: the container, for its log.
        deadline: seconds.

    Raises:
        LabError: it does not listen; the text has its log.

    """
    end = time.monotonic() + deadline
    for text in sockets:
        if listens(text):
            return
        if time.monotonic() > end:
            break
        time.sleep(0.005)
    where = f"port {WEB_PORT} of container web"
    raise LabError(f"nothing listens on {where}. {_last_log_lines(container)}")


def listens(table: str) -> bool:
    """Return whether a /proc/net/tcp table has a listener on the web server's port."""
    rows = (line.split() for line in table.splitlines())
    port = f":{WEB_PORT:04X}"
    return any(row[1].endswith(port) and row[3] == LISTEN for row in rows if row[3:])


def _last_log_lines(container: Any) -> str:
    with refusals("asking what a container said"):
        said = container.logs(tail=5).decode(errors="replace").strip()
    return (
        f"It said: {said or 'nothing'}. The lab's image needs sh and sleep; and for "
        "the web server python3, or busybox's httpd and a folder /srv."
    )


def _create(client: Any, plan: Plan, name: str) -> Any:
    transports = plan.transports if name == "web" else ()
    ports = {f"{WEB_PORT}/{transport}": plan.published for transport in transports}
    with refusals(f"creating container {name}"):
        return client.containers.create(
            plan.image,
            ["sh", "-c", _WEB if name == "web" else _IDLE],
            name=plan.prefix + name,
            hostname=name,
            entrypoint=[],
            labels={LABEL: plan.owner},
            ports=ports,
            network="bridge",
            init=False,
            log_config={"type": "json-file", "config": {}},
        )


def _joins(client: Any) -> Any:
    # `since`: the engine answers before it has subscribed us, and replays the rest.
    filters = {"type": "network", "event": "connect"}
    since = int(time.time()) - 1
    with refusals("asking for its events"):
        return client.events(decode=True, filters=filters, since=since)


def _report(events: Any, joined: queue.Queue[str]) -> None:
    with suppress(Exception):  # whatever ends the stream: see `start`
        for event in events:
            joined.put(event["Actor"]["Attributes"]["container"])


def _start_next(
    pool: ThreadPoolExecutor, name: str, container: Any, joined: queue.Queue[str]
) -> Future[None]:
    job = pool.submit(_start, name, container)
    job.add_done_callback(lambda _: joined.put(container.id))
    while joined.get() != container.id:
        pass
    if job.done():
        job.result()  # raises, so that a refusing or silent engine gets no more calls
    return job


def _start(name: str, container: Any) -> None:
    with refusals(f"starting container {name}"):
        container.start()
