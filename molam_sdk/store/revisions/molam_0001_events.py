"""The table of webhook events."""

from __future__ import annotations

from typing import Final

from molam_sdk.store.revisions import lower_events_to, raise_events_to

revision: Final = "molam_0001"
down_revision: Final = None
branch_labels: Final = ("molam",)
depends_on: Final = None


def upgrade() -> None:
    """Make it."""
    raise_events_to(1)


def downgrade() -> None:
    """Drop it, and with it the knowledge of which events were handled."""
    lower_events_to(0)
