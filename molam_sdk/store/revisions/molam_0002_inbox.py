"""What the inbox keeps of webhook events."""

from __future__ import annotations

from typing import Final

from molam_sdk.store.revisions import lower_events_to, raise_events_to

revision: Final = "molam_0002"
down_revision: Final = "molam_0001"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    """Widen the table of events."""
    raise_events_to(2)


def downgrade() -> None:
    """Narrow it; bodies, errors and notes go."""
    lower_events_to(1)
