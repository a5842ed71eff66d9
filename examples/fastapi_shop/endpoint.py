"""``python -m fastapi_shop.endpoint URL``: have Molam send this shop's events there."""

import sys

from molam_sdk import ClientConfig, MolamClient


def make_endpoint(url: str) -> str:
    """The line that hands the secret to the shop; Molam tells it only now."""
    with MolamClient(ClientConfig.from_env()) as molam:
        endpoint = molam.create_webhook_endpoint(
            {"tenant_type": "merchant", "tenant_id": "shop", "url": url, "events": ["payment.succeeded"]}
        )
    return f"export MOLAM_WEBHOOK_SECRET_{(endpoint.kid or 'v1').upper()}={endpoint.secret}"


if __name__ == "__main__":
    print(make_endpoint(sys.argv[1]))
