"""One imitation for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.telegram_api import TelegramApi


@pytest.fixture
def api() -> Iterator[TelegramApi]:
    with TelegramApi(clock=lambda: 1_490_043_600.0) as api:
        yield api
