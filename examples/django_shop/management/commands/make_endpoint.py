"""``manage.py make_endpoint URL``: have Molam send this shop's events there."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from molam_sdk import ClientConfig, MolamSyncClient


class Command(BaseCommand):
    """Prints the line that hands the secret to the shop; Molam tells it only now."""

    help = "Have Molam send this shop's events to a URL."
    # The check for a missing secret would forbid the command that brings one.
    requires_system_checks: list[str] = []  # noqa: RUF012  # as Django declares it

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url")

    def handle(self, *, url: str, **options: object) -> None:
        # Without the shop's journal: it runs before there are tables, and the answer holds a secret.
        with MolamSyncClient(ClientConfig.from_env()) as molam:
            endpoint = molam.create_webhook_endpoint(
                {"tenant_type": "merchant", "tenant_id": "shop", "url": url, "events": ["payment.succeeded"]}
            )
        self.stdout.write(f"export MOLAM_WEBHOOK_SECRET_{(endpoint.kid or 'v1').upper()}={endpoint.secret}")
