"""daemon.json of a private engine."""

from __future__ import annotations

import json

import pytest

from pytest_netlab.errors import LabError
from pytest_netlab.lab.engine import config


def test_the_user_wins() -> None:
    """A user's key replaces the lab's; runtime options are added to the lab's one."""
    chosen = {"bip": "10.9.0.1/16", "exec-opts": ["a=b"], "icc": False}

    found = json.loads(config.text(chosen, bip="172.17.0.1/16"))

    assert found == {
        "bip": "10.9.0.1/16",
        "exec-opts": ["native.cgroupdriver=cgroupfs", "a=b"],
        "icc": False,
    }


def test_nothing_chosen() -> None:
    """Without a user's keys there are the lab's."""
    assert json.loads(config.text({}, bip="x")) == {
        "bip": "x",
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
    }


@pytest.mark.parametrize("key", ["hosts", "data-root", "bridge"])
def test_the_labs_own(key: str) -> None:
    """Where a lab keeps its engine is not the user's to say."""
    with pytest.raises(LabError, match=f"'{key}' is the lab's own"):
        config.demand(key)


def test_what_dockerd_should_refuse() -> None:
    """A value of a wrong type reaches dockerd, which says what is wrong."""
    assert json.loads(config.text({"exec-opts": 1}))["exec-opts"] == 1
