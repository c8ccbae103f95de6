"""Settings of the tests, which a run of the scenarios alone does not need."""

from __future__ import annotations

from hypothesis import settings

# How long one example takes is the machine's affair: a deadline there is a flaky test.
settings.register_profile("netlab", deadline=None)
settings.load_profile("netlab")
