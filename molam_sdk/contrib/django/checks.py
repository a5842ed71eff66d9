"""What ``manage.py check`` says of the webhook receivers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.urls import get_resolver

from .views import known_receivers


@register(Tags.security)
def check_secrets(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """An error for each receiver behind a view that has no secret: it would refuse every delivery."""
    if getattr(settings, "ROOT_URLCONF", None):
        _ = get_resolver().url_patterns  # loads the views, which name their receivers
    return [
        Error(
            "A webhook receiver has no secret: each delivery would be answered 503.",
            hint="Set MOLAM_WEBHOOK_SECRET_V1, or what else its secrets are read from.",
            obj=f"{type(receiver).__name__} {number}",
            id="molam_webhooks.E001",
        )
        for number, receiver in enumerate(known_receivers, 1)
        if not receiver.knows_any_secret()
    ]
