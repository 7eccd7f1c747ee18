"""The stand-in service, running, and the settings that point the page at it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from Frontend.settings import Settings
from tests.frontend.standin import Mood, running


@dataclass(frozen=True)
class Service:
    """A running stand-in.

    Attributes:
        url: Its base URL.
        mood: Change it to change what the service does; it also holds what the service was sent.
    """

    url: str
    mood: Mood

    @property
    def settings(self) -> Settings:
        """Settings of a page that uses this service and gives up soon."""
        return Settings(api_url=self.url, api_retries=0, api_timeout_s=5, language="en")


@pytest.fixture(scope="session")
def running_service() -> Iterator[Service]:
    """Start one stand-in for all tests."""
    mood = Mood()
    with running(mood) as url:
        yield Service(url, mood)


@pytest.fixture
def service(running_service: Service) -> Service:
    """Return the stand-in in a fresh mood."""
    vars(running_service.mood).update(vars(Mood()))
    return running_service
