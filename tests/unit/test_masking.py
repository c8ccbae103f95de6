"""Secret values disappear from texts in every shape; what is no secret stays."""

from __future__ import annotations

import html
import json
import shlex
from base64 import b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_netlab.masking import HIDDEN, Mask, forms

if TYPE_CHECKING:
    from collections.abc import Callable

PASSWORD = "p@ss 'w\"rd/é+1"  # noqa: S105 - a made-up one
SHAPES: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": json.dumps,
    "json in json": lambda text: json.dumps(json.dumps(text)),
    "unicode json": lambda text: json.dumps(text, ensure_ascii=False),
    "python": repr,
    "shell": shlex.quote,
    "percent": lambda text: quote(text, safe=""),
    "path": quote,
    "lower percent": lambda text: quote(text, safe="").lower(),
    "form": quote_plus,
    "html": html.escape,
    "base64": lambda text: b64encode(text.encode()).decode(),
    "echo | base64": lambda text: b64encode(f"{text}\n".encode()).decode(),
    "basic auth": lambda text: b64encode(f"me:{text}".encode()).decode(),
    "url base64": lambda text: urlsafe_b64encode(f"a{text}b".encode()).decode(),
}


AUTH = b64encode(b"me:inner-one-1").decode()


def knowing(name: str, value: str) -> Mask:
    """Return a mask that knows one variable."""
    mask = Mask({})
    mask.learn(name, value)
    return mask


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("value", ["hunter2", "correct-horse 42", PASSWORD])
def test_every_shape(shape: str, value: str) -> None:
    """A value is hidden however a program escapes, quotes or encodes it."""
    shown = SHAPES[shape](value)

    masked = knowing("DB_PASSWORD", value).text(f"before <{shown}> after")

    assert HIDDEN in masked
    assert masked.startswith("before <")
    assert masked.endswith("> after")
    for inner in (value, shown, shown.strip("'\"\\="), shown[2:-2]):
        assert inner not in masked


def test_lines_of_a_value() -> None:
    """Of a value of several lines each is hidden, and what frames a key is not."""
    lines = ["-----BEGIN KEY-----", "MIIBOgIBAAJBAK", "j34GkxFhD90vcN", "-----END-----"]
    mask = knowing("TLS_KEY", "\n".join(lines))

    assert mask.text(f"E   {lines[2]}\n") == "E   ***\n"
    assert mask.text(f"{lines[0]}\n") == f"{lines[0]}\n"


@pytest.mark.parametrize("stands", ["...", "…"])
def test_what_an_ellipsis_leaves(stands: str) -> None:
    """Long values are cut by pytest: what it leaves of both ends is hidden too."""
    mask = knowing("API_TOKEN", "glpat-0123456789-abcdefghij")

    assert mask.text(f"'glpat-0123{stands}fghij' and so on...") == "'***' and so on..."
    assert mask.text(f"glpat-0123456789-abc{stands}") == "***"


def test_spaces_around_a_value() -> None:
    """Programs strip values, and so does the mask."""
    assert knowing("TOKEN", " abcdef\n").text("[abcdef]") == "[***]"


def test_values_that_overlap() -> None:
    """Nothing is left of a value that another one covers in part."""
    mask = knowing("A_TOKEN", "abcdefgh")
    mask.learn("B_TOKEN", "efghijkl")

    assert mask.text("x abcdefghijkl y") == "x *** y"


HARMLESS = [
    ("HOME", "/root"),
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin"),
    ("LANG", "C.UTF-8"),
    ("DEBUG", "true"),
    ("WORKERS", "12345678"),
    ("UPSTREAM", "host01"),
    ("DB_HOST", "172.17.0.2:5432"),
    ("NETWORK", "fe80::42:acff:fe11:2/64"),
    ("NGINX_VERSION", "1.25.3-1~bookworm"),
    ("POSTGRES_PASSWORD", "postgres"),
    ("ROOT_PASSWORD", "root"),
    ("PIN_TOKEN", "4242"),
    ("DRIVER", "overlay"),
    ("SSH_AUTH_SOCK", "/tmp/ssh-agent/agent.7"),  # noqa: S108 - never opened
]


@pytest.mark.parametrize(("name", "value"), HARMLESS)
def test_harmless_values_stay_in_texts(name: str, value: str) -> None:
    """A path, a number or a word is nobody's secret; a log without it says nothing."""
    text = f"c1 -> host01: {value}, and {value}"

    assert knowing(name, value).text(text) == text


@pytest.mark.parametrize(("name", "value"), HARMLESS)
def test_environments_are_masked_whole(name: str, value: str) -> None:
    """In an environment every value is masked, harmless or not; names stay."""
    box = {"Id": "1", "Config": {"Env": [f"{name}={value}", "EMPTY=", "BARE"]}}

    shown = Mask({}).value(box)

    assert shown == {"Id": "1", "Config": {"Env": [f"{name}=***", "EMPTY=", "BARE"]}}


def test_short_secrets_are_hidden_as_words_only() -> None:
    """Four letters are in many words; after an escaped line break they are one."""
    mask = knowing("PASSWORD", "abel")

    assert mask.text("label 'abel' and \\nabel") == "label '***' and \\n***"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://bob:hunter2@proxy:3128/x", "http://***@proxy:3128/x"),
        ("tcp://bob:p@ss:w@proxy", "tcp://***@proxy"),
        ("docker run -e A=b --env C=d img", "docker run -e A=*** --env C=*** img"),
        ("run --env 'A=b c' x", "run --env 'A=***' x"),
        ("['-e', 'A=b']", "['-e', 'A=***']"),
        (
            '{\\"Env\\": 1, \\"api_key\\": \\"v\\"}',
            '{\\"Env\\": 1, \\"api_key\\": \\"***\\"}',
        ),
        ("environment={'DB_PASSWORD': 'x'}", "environment={'DB_PASSWORD': '***'}"),
        ("?access_token=abc&x=1", "?access_token=***&x=1"),
        ("mount -o user=a,password=b,ro", "mount -o user=a,password=***,ro"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("X-Registry-Auth: eyJhIjoxfQ==", "X-Registry-Auth: ***"),
    ],
)
def test_credentials_by_their_surroundings(text: str, shown: str) -> None:
    """What nobody has told the mask is hidden where its place gives it away."""
    mask = Mask({})

    assert mask.text(text) == shown
    assert mask.text(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/a@b?x=y@z",
        "token = parse(line)",
        "passed=3 failed=1, AUTHOR=me",
        "-A DOCKER -s 172.17.0.2/32 -m comment --comment x -j ACCEPT",
        "nf_conntrack_max = 262144",
        '{"meta": {"key": "l4proto"}}',
        "key=value",
    ],
)
def test_what_reads_like_none_stays(text: str) -> None:
    """Rules, sysctls, sums and prose have no credentials."""
    assert Mask({}).text(text) == text


def test_own_environment() -> None:
    """Of one's own environment what is named a secret, and passwords in URLs."""
    mask = Mask(
        {
            "CI_JOB_TOKEN": "abcdef",
            "HTTP_PROXY": "http://bob:s3%2Fcret@proxy:3128",
            "GREETING": "Hello, World 42",
        }
    )

    text = "abcdef s3%2Fcret s3/cret; Hello, World 42"
    assert mask.text(text) == "*** *** ***; Hello, World 42"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgres://app:inner-one-1@db/app"),
        ("CONNECTION", "Server=db;Password=inner-one-1;"),
        ("DOCKER_AUTH_CONFIG", '{"auths": {"r": {"password": "inner-one-1"}}}'),
        (
            "DOCKER_AUTH_CONFIG",
            json.dumps({"auths": {"r": {"auth": AUTH}}}),
        ),
        ("APP", '{"env": {"WHAT": "inner-one-1"}}'),
    ],
)
def test_passwords_inside_values(name: str, value: str) -> None:
    """What a variable carries inside is hidden by itself."""
    assert knowing(name, value).text("got inner-one-1") == "got ***"


def test_json_of_the_engine() -> None:
    """Labels, commands and options are masked by name or value; JSON stays JSON."""
    mask = knowing("DB_PASSWORD", "hunter2")
    box = {
        "Args": ["-c", "login hunter2"],
        "Config": {"Labels": {"com.example.token": "abcdef", "com.example.team": "a"}},
        "HostConfig": {"LogConfig": {"Config": {"splunk-token": "abcdef"}}},
        "SandboxKey": "/var/run/docker/netns/2a4c",
    }

    shown = mask.file("docker-inspect.json", json.dumps(box))

    assert json.loads(shown) == {
        "Args": ["-c", "login ***"],
        "Config": {"Labels": {"com.example.token": "***", "com.example.team": "a"}},
        "HostConfig": {"LogConfig": {"Config": {"splunk-token": "***"}}},
        "SandboxKey": "/var/run/docker/netns/2a4c",
    }


def test_json_without_secrets_is_not_touched() -> None:
    """A file that holds none keeps its very form."""
    text = '{ "b":1,\n"a": "x" }'

    assert knowing("TOKEN", "abcdef").file("x.json", text) == text


@pytest.mark.parametrize("text", ['{"a": "abcdef"', "[" * 100_000 + "abcdef"])
def test_broken_json_is_text(text: str) -> None:
    """What is no JSON, or nested beyond sense, is masked as any text."""
    shown = knowing("TOKEN", "abcdef").file("x.json", text)

    assert shown == text.replace("abcdef", "***")


def test_escapes_stay_whole() -> None:
    """A value that begins as an escape ends does not break the JSON around it."""
    shown = knowing("TOKEN", "nabcdef").file("x.json", json.dumps({"a": "\nabcdef"}))

    assert json.loads(shown) == {"a": "\nabcdef"}


def test_kept_where_asked() -> None:
    """A mask that hides nothing changes nothing."""
    mask = Mask({"TOKEN": "abcdef"}, hides=False)
    box = {"Env": ["TOKEN=abcdef"]}

    assert mask.text("abcdef http://a:b@c") == "abcdef http://a:b@c"
    assert mask.value(box) == box
    assert mask.file("x.json", "{ }") == "{ }"


@given(value=st.text(min_size=4), before=st.text(), after=st.text())
def test_any_value(value: str, before: str, after: str) -> None:
    """Whatever a secret is, a text that holds it, and masking again, do not fail."""
    mask = knowing("DB_PASSWORD", value)
    text = f"{before} {value} {after}"

    once = mask.text(text)

    assert once == text or HIDDEN in once
    assert mask.text(once).count(HIDDEN) >= 1 or once == text


@pytest.mark.parametrize(
    "word", ["fail", "forwarded", "docker0", "host", "c1", "true", "Masquerade"]
)
def test_words_of_reports_are_no_secrets(word: str) -> None:
    """A secret that every report has as a word hides nothing: its text stays."""
    text = f'{{"outcome": "{word}"}} {word}'

    assert knowing("MY_TOKEN", word).text(text) == text


def test_a_short_secret_is_no_part_of_a_word() -> None:
    """Seven letters are in words of others, too."""
    mask = knowing("MY_TOKEN", "connect")

    assert mask.text("connection reset, 'connect'") == "connection reset, '***'"


def test_keys_of_json() -> None:
    """A key is masked as any text, no entry is lost, and words of the document stay."""
    mask = knowing("MY_TOKEN", "Labels")
    table = {"https://u:hunter2x@reg/": 1, "https://u:hunter3x@reg/": 2, "Labels": {}}

    assert mask.value(table) == {
        "https://***@reg/": 1,
        "https://***@reg/ (2)": 2,
        "Labels": {},
    }


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (
            {"env": [{"name": "PASSWORD", "value": "hunter2hunter2"}]},
            {"env": [{"name": "PASSWORD", "value": "***"}]},
        ),
        (
            {"Env": [{"Name": "GREETING", "Value": "hunter2hunter2"}, 7, None]},
            {"Env": [{"Name": "GREETING", "Value": "***"}, 7, None]},
        ),
        (
            {"Env": [{"PASSWORD": "hunter2hunter2"}, ["https://u:hunter2@reg"]]},
            {"Env": [{"PASSWORD": "***"}, ["https://***@reg"]]},
        ),
        (
            {"options": [{"key": "api-token", "value": ["hunter2hunter2"]}]},
            {"options": [{"key": "api-token", "value": ["***"]}]},
        ),
        (
            {"options": [{"name": "colour", "value": "blue"}]},
            {"options": [{"name": "colour", "value": "blue"}]},
        ),
    ],
)
def test_tables_of_name_and_value(given: object, shown: object) -> None:
    """Where a name and its value are two entries of a table, the value is masked."""
    assert Mask({}).value(given) == shown


@pytest.mark.parametrize(
    "told",
    [
        {"env": [{"name": "GREETING", "value": "hunter2-hunter2"}]},
        {"options": [{"name": "password", "value": "hunter2-hunter2"}]},
        {"env": [{"inner": {"password": "hunter2-hunter2"}}, 5]},
    ],
)
def test_tables_of_name_and_value_are_learned(told: object) -> None:
    """What such a table tells is hidden in every other text."""
    mask = Mask({})

    mask.learn_from(told)

    assert mask.text("got hunter2-hunter2") == "got ***"


def test_many_ellipses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of so many that not each can be compared, more is hidden, and never less."""
    monkeypatch.setattr(forms, "MOST", 2)
    value = "glpat-0123456789-abcdefghij"
    mask = knowing("API_TOKEN", value)
    line = f"{'-' * 40} 'glpat-0123...fghij' {'-' * 40}\n"

    first, second, third, fourth, rest = mask.text(line * 4).split("\n")

    assert first == second == line.replace("glpat-0123...fghij", "***").rstrip("\n")
    assert third == fourth
    assert "***" in third
    assert not any(piece in third for piece in ("glpat", "fghij"))
    assert rest == ""


@pytest.mark.parametrize("value", ["a" * 40, "ababababab" * 4, "0123456789" * 4])
def test_what_an_ellipsis_leaves_of_what_repeats_itself(value: str) -> None:
    """All that is left of a value is hidden, and no more."""
    mask = knowing("API_TOKEN", value)

    for kept in range(6, 31):
        assert mask.text(f"({value[:kept]}...{value[-4:]})") == "(***)"
