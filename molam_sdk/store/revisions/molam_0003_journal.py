"""The table of the journal."""

from __future__ import annotations

from typing import Final

from molam_sdk.store.revisions import lower_journal_to, raise_journal_to

revision: Final = "molam_0003"
down_revision: Final = "molam_0002"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    """Make it, or widen one that a client of an older version has made."""
    raise_journal_to(2)


def downgrade() -> None:
    """Drop it, and with it the knowledge of what was asked: keys bind no longer."""
    lower_journal_to(0)
