"""The names merchants import, and what they say of themselves."""

from __future__ import annotations

import importlib
import inspect

import pytest

import molam_sdk

pytestmark = pytest.mark.slow

STABLE = {
    "molam_sdk": "MolamClient MolamSyncClient MolamAsyncClient ClientConfig MolamError APIError TimeoutError",
    "molam_sdk.client": "MolamClient",
    "molam_sdk.sync_client": "MolamSyncClient",
    "molam_sdk.async_client": "MolamAsyncClient",
    "molam_sdk.models": "ClientConfig PaymentIntent PaymentIntentCreate Refund RefundCreate Payout PayoutCreate "
    "MerchantOnboarding MerchantOnboardingCreate WebhookEndpoint WebhookEndpointCreate",
    "molam_sdk.exceptions": "MolamError APIError ConfigurationError WebhookVerificationError TimeoutError",
    "molam_sdk.cb": "create_circuit_breaker",
    "molam_sdk.metrics": "metrics_request",
    "molam_sdk.logging_setup": "setup_structured_logger sanitize_sensitive_data",
    "molam_sdk.webhooks": "verify_molam_signature construct_event",
}


@pytest.mark.parametrize(("module", "name"), [(m, n) for m, names in STABLE.items() for n in names.split()])
def test_an_import_path_of_a_merchant_stays(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)


def test_everything_that_is_promised_exists() -> None:
    for name in molam_sdk.__all__:
        assert getattr(molam_sdk, name) is not None


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Stripe'"):
        molam_sdk.Stripe  # noqa: B018 - the access is the test


def test_every_public_class_and_method_has_a_docstring() -> None:
    silent = []
    for name in molam_sdk.__all__:
        item = getattr(molam_sdk, name)
        if not inspect.isclass(item):
            continue
        methods = [m for n, m in vars(item).items() if inspect.isfunction(m) and not n.startswith("_")]
        silent += [f"{name}.{getattr(x, '__name__', '')}" for x in (item, *methods) if not inspect.getdoc(x)]
    assert silent == []
