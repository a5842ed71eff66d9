"""The app: add ``molam_sdk.contrib.django`` to INSTALLED_APPS and run ``migrate``."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class MolamWebhooksConfig(AppConfig):
    """Molam's webhook events in the project's own database."""

    name = "molam_sdk.contrib.django"
    label = "molam_webhooks"
    verbose_name = "Molam webhooks"

    def ready(self) -> None:
        """Have ``manage.py check`` look at the receivers."""
        importlib.import_module(f"{__package__}.checks")
