"""Programs that some tests need: found here, or the test says what is missing."""

import shutil
from pathlib import Path

import pytest

# RabbitMQ's scripts are in no PATH but root's on Debian.
ELSEWHERE = {"rabbitmq-server": ["/usr/sbin", "/usr/lib/rabbitmq/bin"]}


def program(*names: str) -> str:
    """The path of the first of these that is installed; skip the test if none is."""
    for name in names:
        for folder in [None, *ELSEWHERE.get(name, [])]:
            if found := shutil.which(name, path=folder):
                return found
    pytest.skip(f"{names[0]} is not installed; .ci/run installs it")


def chromium() -> Path:
    return Path(program("chromium", "chromium-browser", "google-chrome"))
