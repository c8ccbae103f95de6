"""What a real engine refuses a scenario is one sentence with a next step."""

from __future__ import annotations

import pytest

BODY = """
import pytest

@pytest.mark.netlab
def test_it(netlab):
    image = netlab.web.container.image
    {statement}
"""
RUN = "netlab.docker.containers.run({})"


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (
            RUN.format("image, ['sleep', '9'], ports={'80/tcp': 81}"),
            "a port that it should publish is taken. Next: `docker ps`",
        ),
        (RUN.format("'No Such Name'"), "that is no name of an image. Next: "),
    ],
    ids=["port", "name"],
)
def test_statement(
    engine: None,  # noqa: ARG001 - skips
    pytester: pytest.Pytester,
    statement: str,
    sentence: str,
) -> None:
    """The sentence leads, the test's line follows, and no line of the SDK's."""
    pytester.makepyfile(test_it=BODY.format(statement=statement))

    result = pytester.runpytest_subprocess("-m", "netlab", "--netlab-keep=never")

    lines = result.outlines
    assert any(line.startswith(f"the engine refused: {sentence}") for line in lines)
    assert f"test_it.py:6: {statement}" in lines
    assert not [line for line in lines if "site-packages" in line]


def test_archive_that_is_not_there(
    engine: None,  # noqa: ARG001 - skips
    pytester: pytest.Pytester,
) -> None:
    """A path with a slip is no name of an image that could be pulled."""
    pytester.makepyfile(test_it=BODY.format(statement="pass"))

    result = pytester.runpytest_subprocess("-m", "netlab", "--netlab-image=./shop.tar")

    result.stdout.fnmatch_lines(
        ["there is no image archive './shop.tar' here. Next: *"]
    )
    assert not [line for line in result.outlines if "docker pull" in line]
