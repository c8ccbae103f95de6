"""Record real conversations in a lab, as data for replay: c1 to host01, masqueraded.

Those with `inbound` in their name are host01's with web, whose port 21 is published.

Run as root in a checkout, with the packages dnsmasq-base, bind9-dnsutils, sip-tester
and openssl, and pyftpdlib importable: `python tests/data/replay/record.py [NAME ...]`.
Each capture holds both points.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_netlab.capture import write
from pytest_netlab.lab.backends import private
from pytest_netlab.mutate.live.impair import impaired
from pytest_netlab.spec import POINTS, LabOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_netlab.lab.backends.docker_lab import DockerLab
    from pytest_netlab.lab.net.node import NamespaceNode

HERE = Path(__file__).parent
SECONDS = 10
HTTP = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = bytes(range(256)) * int(self.path[1:])
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""
FTP = """
import sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer
FTPHandler.authorizer = DummyAuthorizer()
FTPHandler.authorizer.add_anonymous(sys.argv[1])
FTPHandler.permit_foreign_addresses = True
FTPServer(("", 21), FTPHandler).serve_forever()
"""
ECHO = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", 7))
while True:
    server.sendto(*server.recvfrom(65535))
"""
ASK = """
import socket, sys
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(2)
client.sendto(bytes(range(250)) * int(sys.argv[2]), (sys.argv[1], 7))
client.recv(65535)
"""
TAKE = """
import socket
server = socket.create_server(("", 8002))
while True:
    client, _ = server.accept()
    while client.recv(65536):
        pass
    client.sendall(b"thanks")
    client.close()
"""
GIVE = """
import socket, sys
client = socket.create_connection((sys.argv[1], 8002))
client.sendall(bytes(range(256)) * 32)
client.shutdown(socket.SHUT_WR)
client.recv(100)
"""
SINK = """
import socket, struct
server = socket.create_server(("", 8001))
while True:
    client, _ = server.accept()
    client.recv(4096)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()  # with a reset
"""
TALK = """
import socket, sys
client = socket.create_connection((sys.argv[1], 8001))
client.sendall(b"hello")
try:
    client.recv(1)
except ConnectionResetError:
    pass
"""
# Both ends send their SYN before they have seen the other's (RFC 9293, figure 8).
BOTH = """
import socket, sys, time
own, peer, start = sys.argv[1], sys.argv[2], float(sys.argv[3])
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((own, 9000))
time.sleep(max(0, start - time.time()))
s.settimeout(2)
try:
    s.connect((peer, 9000))
    s.sendall(b"both")
    s.recv(4)
except OSError as error:
    print(error)
"""


@contextmanager
def served(
    node: NamespaceNode, *argv: str, port: int, udp: bool = False
) -> Iterator[None]:
    """Run a server in a node; go on when it listens."""
    command = node.namespaces.command(argv, node.netns)
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        command,
        stdin=quiet,
        stdout=quiet,
        stderr=quiet,
        env=node.namespaces.marked(os.environ),
    )
    end = time.monotonic() + SECONDS
    try:
        while f":{port} " not in node.run("ss", "-Hlnu" if udp else "-Hlnt").stdout:
            if time.monotonic() > end or process.poll() is not None:
                raise SystemExit(f"{argv[0]} does not listen on {port}")
            time.sleep(0.05)
        yield
    finally:
        # What enters a pid namespace waits there for a child, which outlives it.
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        for pid in (*map(int, children.read_text().split()), process.pid):
            os.kill(pid, signal.SIGKILL)
        process.wait()


def python(code: str, *arguments: str) -> tuple[str, ...]:
    """Return the argv of a program."""
    return (sys.executable, "-c", code, *arguments)


def http(lab: DockerLab, *sizes: int) -> None:
    """Fetch several pages over one connection."""
    c1, host01 = lab.nodes["c1"], lab.nodes["host01"]
    with served(host01, *python(HTTP), port=8000):
        urls = [f"http://{host01.address}:8000/{size}" for size in sizes]
        c1.run("curl", "-s", *[w for url in urls for w in ("-o", "/dev/null", url)])


def dns(lab: DockerLab, *how: str) -> None:
    """Ask a name server."""
    c1, host01 = lab.nodes["c1"], lab.nodes["host01"]
    server = ("dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts")
    address = "--address=/example.test/192.0.2.1"
    with served(host01, *server, address, port=53, udp=True):
        for name in ("example.test", "www.example.test"):
            c1.run("dig", *how, f"@{host01.address}", name)


def tls(lab: DockerLab) -> None:
    """Shake hands and fetch a page."""
    c1, host01 = lab.nodes["c1"], lab.nodes["host01"]
    with tempfile.TemporaryDirectory() as folder:
        files = ("-keyout", f"{folder}/key", "-out", f"{folder}/cert")
        make = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *files)
        host01.run(*make, "-subj", "/CN=example.test", "-days", "1")
        serve = ("openssl", "s_server", "-www", "-accept", "4433")
        mine = ("-key", f"{folder}/key", "-cert", f"{folder}/cert")
        with served(host01, *serve, *mine, port=4433):
            url = f"https://{host01.address}:4433/"
            c1.run("curl", "-sk", "-o", "/dev/null", url)


def ftp(lab: DockerLab) -> None:
    """List and fetch in passive mode: three connections."""
    c1, host01 = lab.nodes["c1"], lab.nodes["host01"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "file").write_bytes(bytes(range(256)) * 20)
        with served(host01, *python(FTP, folder), port=21):
            url = f"ftp://{host01.address}/"
            c1.run("curl", "-s", url, f"{url}file", "-o", "/dev/null")


@contextmanager
def helped(lab: DockerLab) -> Iterator[None]:
    """Let the host's connection tracking read and translate what FTP says."""
    rule = ("PREROUTING", "-p", "tcp", "--dport", "21", "-j", "CT", "--helper", "ftp")
    host = lab.nodes["host"]
    host.run("iptables", "-t", "raw", "-A", *rule)
    try:
        yield
    finally:
        host.run("iptables", "-t", "raw", "-D", *rule)


@contextmanager
def published(lab: DockerLab) -> Iterator[None]:
    """Lead port 21 of the host to web's."""
    host, to = lab.nodes["host"], f"{lab.nodes['web'].address}:21"
    into = ("-p", "tcp", "--dport", "21", "-j", "DNAT", "--to", to)
    host.run("iptables", "-t", "nat", "-I", "PREROUTING", *into)
    host.run("iptables", "-I", "DOCKER-USER", "-p", "tcp", "-j", "ACCEPT")
    try:
        yield
    finally:
        host.run("iptables", "-D", "DOCKER-USER", "-p", "tcp", "-j", "ACCEPT")
        host.run("iptables", "-t", "nat", "-D", "PREROUTING", *into)


def ftp_file(lab: DockerLab, *ways: str) -> None:
    """Fetch a file in active or passive mode, outbound or inbound, helped or not.

    In active mode the server begins a connection, if it finds its client.
    """
    client, server, asked = "c1", "host01", "host01"
    if "inbound" in ways:
        client, server, asked = "host01", "web", "host"
    how: tuple[str, ...] = ("--disable-epsv",)
    if "active" in ways:
        how = ("--disable-eprt", "-P", "-", "-m", "5")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as undo:
        Path(folder, "file").write_bytes(bytes(range(256)) * 20)
        ftpd = python(FTP, folder)
        undo.enter_context(served(lab.nodes[server], *ftpd, port=21))
        if "inbound" in ways:
            undo.enter_context(published(lab))
        if "helper" in ways:
            undo.enter_context(helped(lab))
        url = f"ftp://{lab.nodes[asked].address}/file"
        argv = ("curl", "-s", *how, url, "-o", "/dev/null")
        lab.nodes[client].run(*argv, check=False)


def path_mtu(lab: DockerLab) -> None:
    """Send what is too large for a link beyond a router: it tells (RFC 1191)."""
    c1, host, host01, host02 = (
        lab.nodes[name] for name in ("c1", "host", "host01", "host02")
    )
    host.run("ip", "route", "add", f"{host01.address}/32", "via", host02.address)
    link = host02.run("ip", "route", "get", host01.address).stdout.split()[2]
    narrow = (f"{host01.address}/32", "dev", link, "mtu", "1280")
    host02.run("ip", "route", "add", *narrow)
    for name in ("ip_forward=1", "conf.all.send_redirects=0"):
        host02.run("sysctl", "-qw", f"net.ipv4.{name}")
    host02.run("sysctl", "-qw", f"net.ipv4.conf.{link}.send_redirects=0")
    try:
        with served(host01, *python(TAKE), port=8002):
            c1.run(*python(GIVE, host01.address))
    finally:
        host.run("ip", "route", "del", f"{host01.address}/32")
        host02.run("ip", "route", "del", *narrow)


def echo(lab: DockerLab, size: int) -> None:
    """Send a datagram, large enough for fragments, and get it back."""
    c1, host01 = lab.nodes["c1"], lab.nodes["host01"]
    with served(host01, *python(ECHO), port=7, udp=True):
        c1.run(*python(ASK, host01.address, str(size)))


def refused(lab: DockerLab) -> None:
    """Send datagrams to a port that is closed: ICMP errors come back."""
    c1, host01 = lab.nodes["c1"], lab.nodes["host01"]
    for _ in range(2):
        c1.run(*python(ASK, host01.address, "1"), check=False)


def reset(lab: DockerLab) -> None:
    """Talk to a server that resets the connection."""
    c1, host01 = lab.nodes["c1"], lab.nodes["host01"]
    with served(host01, *python(SINK), port=8001):
        c1.run(*python(TALK, host01.address))


def half_open(lab: DockerLab) -> None:
    """Send a SYN that nobody answers, and again."""
    c1, host01 = lab.nodes["c1"], lab.nodes["host01"]
    rule = ("INPUT", "-p", "tcp", "--dport", "9", "-j", "DROP")
    host01.run("iptables", "-A", *rule)
    c1.run("curl", "-s", "-m", "1.5", f"http://{host01.address}:9/", check=False)
    host01.run("iptables", "-D", *rule)


def simultaneous(lab: DockerLab) -> None:
    """Let both ends open the connection at once: their SYNs cross on a slow network."""
    c1, host01, host = (lab.nodes[name] for name in ("c1", "host01", "host"))
    with impaired(lab, delay=0.2):
        start = str(time.time() + 1)
        command = host01.namespaces.command(
            python(BOTH, host01.address, host.address, start), host01.netns
        )
        other = subprocess.Popen(command, env=host01.namespaces.marked(os.environ))
        c1.run(*python(BOTH, c1.address, host01.address, start))
        other.wait()


def sip(lab: DockerLab) -> None:
    """Make one call; the addresses in its bodies stay those of inside."""
    c1, host01 = lab.nodes["c1"], lab.nodes["host01"]
    quick = ("-m", "1", "-d", "100", "-nostdin")
    server = ("sipp", "-sn", "uas", "-nostdin", "-i", host01.address)
    with served(host01, *server, port=5060, udp=True):
        c1.run("sipp", "-sn", "uac", *quick, "-i", c1.address, host01.address)


RECORDINGS: dict[str, Callable[[DockerLab], None]] = {
    "http-keepalive": lambda lab: http(lab, 1, 4, 2),
    "http-download": lambda lab: http(lab, 200),
    "dns-udp": dns,
    "dns-tcp": lambda lab: dns(lab, "+tcp"),
    "tls": tls,
    "ftp-passive": ftp,
    "ftp-passive-helper": lambda lab: ftp_file(lab, "helper"),
    "ftp-passive-inbound-helper": lambda lab: ftp_file(lab, "inbound", "helper"),
    "ftp-active": lambda lab: ftp_file(lab, "active"),
    "ftp-active-helper": lambda lab: ftp_file(lab, "active", "helper"),
    "ftp-active-inbound": lambda lab: ftp_file(lab, "active", "inbound"),
    "path-mtu": path_mtu,
    "udp-fragments": lambda lab: echo(lab, 16),
    "icmp-unreachable": refused,
    "reset": reset,
    "half-open": half_open,
    "simultaneous-open": simultaneous,
    "sip": sip,
}


def main() -> None:
    """Record what is asked for; all, if nothing is."""
    with closing(private.start(LabOptions())) as lab:
        for name in sys.argv[1:] or RECORDINGS:
            lab.reset()
            tap = lab.tap(list(POINTS.values()))
            try:
                RECORDINGS[name](lab)
                found = tap.stop()
            finally:
                tap.close()
            write(HERE / f"{name}.pcapng", found)
            sys.stderr.write(f"{name}: {len(found)} packets\n")


if __name__ == "__main__":
    main()
