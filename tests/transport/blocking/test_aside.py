"""What runs aside is waited for as long as there is time."""

from __future__ import annotations

import pytest

from molam_sdk._aside import Aside
from molam_sdk._transport.blocking.aside import ended_in_time


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.001])
def test_a_wait_ends_with_the_time(seconds: float) -> None:
    aside = Aside(lambda: 1)
    assert not ended_in_time(aside, seconds)
    aside.run()
    assert ended_in_time(aside, seconds)
