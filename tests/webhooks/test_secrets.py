"""Secrets from the environment and from slow sources, before, while and after they are rotated."""

from __future__ import annotations

import hmac
import os
import threading
from pathlib import Path

import pytest

from molam_sdk import ConfigurationError, WebhookVerificationError
from molam_sdk.webhooks import EnvironmentSecrets, RotatingSecrets, sign, verify_molam_signature
from tests.support.webhooks.deliveries import NOW

BODY = b"{}"


class Vault:
    """A source that counts how often it is asked, and can fail."""

    def __init__(self, **secrets: object) -> None:
        self.secrets = secrets
        self.asked = 0
        self.fails = False

    def __call__(self, kid: str) -> object:
        self.asked += 1
        if self.fails:
            raise OSError("the vault is down")
        return self.secrets.get(kid)


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def rotating(vault: Vault, clock: Clock, size: int = 256) -> RotatingSecrets:
    return RotatingSecrets(vault, ttl_seconds=60, overlap_seconds=3600, size=size, clock=clock)


@pytest.mark.parametrize(
    ("kid", "name"),
    [
        ("v1", "MOLAM_WEBHOOK_SECRET_V1"),
        ("2", "MOLAM_WEBHOOK_SECRET_2"),
        ("key-2026.b", "MOLAM_WEBHOOK_SECRET_KEY_2026_B"),
    ],
)
def test_a_kid_names_its_variable(kid: str, name: str) -> None:
    assert EnvironmentSecrets(environ={name: "whsec_1"})(kid) == ("whsec_1",)


def test_a_variable_may_hold_several_secrets() -> None:
    assert EnvironmentSecrets(environ={"MOLAM_WEBHOOK_SECRET_V1": " old , new,,"})("v1") == ("old", "new")


@pytest.mark.parametrize("kid", ["", "no/such", "a b", "x" * 65, "é", "v1\n"])
def test_a_kid_that_is_no_name_reaches_no_variable(kid: str) -> None:
    assert EnvironmentSecrets(environ={"MOLAM_WEBHOOK_SECRET_": "x", "MOLAM_WEBHOOK_SECRET_V1_": "x"})(kid) == ()


def test_the_environment_is_read_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = EnvironmentSecrets()
    monkeypatch.setenv("MOLAM_WEBHOOK_SECRET_V1", "first")
    assert verify_molam_signature(sign(BODY, "first", now=NOW), BODY, secrets, now=NOW)
    monkeypatch.setenv("MOLAM_WEBHOOK_SECRET_V1", "")
    with pytest.raises(WebhookVerificationError, match="Unknown key ID"):
        verify_molam_signature(sign(BODY, "first", now=NOW), BODY, secrets, now=NOW)


def test_a_secret_is_asked_for_once_per_ttl() -> None:
    vault, clock = Vault(v1="a"), Clock()
    secrets = rotating(vault, clock)
    assert [secrets("v1") for _ in range(5)] == [(b"a",)] * 5
    clock.seconds = 41.9  # from 0.7 of its time on it is renewed in the background
    secrets("v1")
    assert vault.asked == 1
    clock.seconds = 60
    secrets("v1")
    assert vault.asked == 2


def test_a_replaced_secret_verifies_until_the_overlap_ends() -> None:
    vault, clock = Vault(v1="old"), Clock()
    secrets = rotating(vault, clock)
    secrets("v1")
    vault.secrets["v1"], clock.seconds = "new", 60
    assert secrets("v1") == (b"new", b"old")
    clock.seconds = 60 + 3599
    assert secrets("v1") == (b"new", b"old")
    clock.seconds = 60 + 3600
    assert secrets("v1") == (b"new",)


def test_a_kid_that_the_source_dropped_verifies_until_the_overlap_ends() -> None:
    vault, clock = Vault(v1="old"), Clock()
    secrets = rotating(vault, clock)
    secrets("v1")
    vault.secrets.clear()
    clock.seconds = 60
    assert secrets("v1") == (b"old",)
    clock.seconds = 3660
    assert secrets("v1") == ()


def test_a_secret_that_comes_back_is_present_again() -> None:
    vault, clock = Vault(v1="a"), Clock()
    secrets = rotating(vault, clock)
    secrets("v1")
    for clock.seconds, vault.secrets["v1"] in ((60, "b"), (120, "a")):
        secrets("v1")
    clock.seconds = 170
    assert secrets("v1") == (b"a", b"b")


def test_a_leaked_secret_can_be_forgotten_at_once() -> None:
    vault, clock = Vault(v1="leaked"), Clock()
    secrets = rotating(vault, clock)
    secrets("v1")
    vault.secrets["v1"] = "new"
    secrets.forget("v1")
    assert secrets("v1") == (b"new",)


def test_a_source_that_is_down_drops_no_event() -> None:
    vault, clock = Vault(v1="a"), Clock()
    secrets = rotating(vault, clock)
    secrets("v1")
    vault.fails, clock.seconds = True, 10_000
    assert secrets("v1") == (b"a",)
    assert secrets("v1") == (b"a",)
    assert vault.asked == 2


def test_a_source_that_is_down_from_the_start_says_so() -> None:
    vault = Vault(v1="a")
    vault.fails = True
    with pytest.raises(OSError, match="vault is down"):
        rotating(vault, Clock())("v1")


def test_made_up_kids_neither_flood_the_source_nor_push_out_real_ones() -> None:
    vault, clock = Vault(v1="a"), Clock()
    secrets = rotating(vault, clock, size=4)
    secrets("v1")
    for number in range(100):
        assert secrets(f"made-up-{number}") == ()
    assert secrets("made-up-99") == ()
    assert vault.asked == 101
    secrets("v1")
    assert vault.asked == 101


@pytest.mark.parametrize("known", [{}, {f"kid-{number}": "a" for number in range(100)}], ids=["made-up", "real"])
def test_of_many_kids_the_cache_keeps_no_more_than_its_size(known: dict[str, str]) -> None:
    vault = Vault(**known)
    secrets = rotating(vault, Clock(), size=4)
    for number in range(100):
        secrets(f"kid-{number}")
    for number in range(96, 100):
        secrets(f"kid-{number}")
    assert vault.asked == 100
    secrets("kid-0")
    assert vault.asked == 101


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_while_the_cache_is_in_use_leaves_the_child_free() -> None:
    secrets = rotating(Vault(v1="a"), Clock())
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        with secrets._slots._lock:
            held.set()
            go.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = os.fork()
    if child == 0:
        os._exit(0 if secrets("v1") == (b"a",) else 1)
    go.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_an_answer_counts_for_a_minute_and_256_kids_are_remembered() -> None:
    vault, clock = Vault(), Clock()
    secrets = RotatingSecrets(vault, clock=clock)
    for kid in range(257):
        secrets(str(kid))
    assert vault.asked == 257
    secrets("256")
    assert vault.asked == 257
    secrets("0")
    assert vault.asked == 258
    clock.seconds = 60
    secrets("256")
    assert vault.asked == 259


def test_an_async_source_is_refused_in_words_that_say_so() -> None:
    async def find(kid: str) -> str:
        return "whsec_1"

    with pytest.raises(WebhookVerificationError) as caught:
        verify_molam_signature(sign(BODY, "a", now=NOW), BODY, find, now=NOW)  # type: ignore[arg-type]  # the mistake
    assert "the callable that finds secrets must not be async" in str(caught.value.__cause__)


def test_a_variable_that_is_not_set_holds_no_secret() -> None:
    assert EnvironmentSecrets(environ={})("v1") == ()


def test_a_variable_may_name_a_file_that_holds_the_secrets(tmp_path: Path) -> None:
    path = tmp_path / "whsec"
    path.write_text("whsec_1\n")
    secrets = EnvironmentSecrets(environ={"MOLAM_WEBHOOK_SECRET_V1_FILE": str(path)})
    assert secrets("v1") == (b"whsec_1",)
    path.write_text("whsec_2\nwhsec_1\n")
    assert secrets("v1") == (b"whsec_2", b"whsec_1")
    assert verify_molam_signature(sign(BODY, "whsec_1", now=NOW), BODY, secrets, now=NOW)


@pytest.mark.parametrize("kid", ["v1_file", "v1-file", "v1.FILE", "FILE", "v1_FILE"])
def test_the_path_of_a_file_is_never_taken_for_a_secret(kid: str, tmp_path: Path) -> None:
    environ = {"MOLAM_WEBHOOK_SECRET_V1_FILE": str(tmp_path), "MOLAM_WEBHOOK_SECRET_FILE": str(tmp_path)}
    assert EnvironmentSecrets(environ=environ)(kid) == ()


def test_a_variable_and_its_file_are_one_too_many(tmp_path: Path) -> None:
    environ = {"MOLAM_WEBHOOK_SECRET_V1": "a", "MOLAM_WEBHOOK_SECRET_V1_FILE": str(tmp_path / "b")}
    with pytest.raises(ConfigurationError, match="MOLAM_WEBHOOK_SECRET_V1 and MOLAM_WEBHOOK_SECRET_V1_FILE: set one"):
        EnvironmentSecrets(environ=environ)("v1")


def test_a_file_that_is_not_there_is_a_lookup_that_fails(tmp_path: Path) -> None:
    secrets = EnvironmentSecrets(environ={"MOLAM_WEBHOOK_SECRET_V1_FILE": str(tmp_path / "none")})
    with pytest.raises(FileNotFoundError):
        secrets("v1")
    assert secrets("v2") == ()


def test_a_secret_added_at_the_source_counts_within_seconds() -> None:
    vault, clock = Vault(), Clock()
    secrets = rotating(vault, clock)
    assert secrets("v1") == ()
    vault.secrets["v1"], clock.seconds = "whsec_1", 4.9
    assert secrets("v1") == ()
    clock.seconds = 5
    assert secrets("v1") == (b"whsec_1",)


@pytest.mark.parametrize("shape", [{"value": "whsec_1"}, [{"value": "whsec_1"}], 5])
def test_an_answer_that_is_no_secret_makes_no_key(shape: object) -> None:
    secrets = rotating(Vault(v1=shape), Clock())
    with pytest.raises(ConfigurationError, match="a source of secrets answered with"):
        secrets("v1")
    for made_up in ("value", "whsec_1"):
        with pytest.raises(WebhookVerificationError):
            verify_molam_signature(sign(BODY, made_up, now=NOW), BODY, secrets, now=NOW)


@pytest.mark.parametrize("forgotten", [" ", "\n", "whsec_", "None", "null"])
def test_what_stands_for_a_forgotten_secret_verifies_nothing(forgotten: str) -> None:
    header = f"t={int(NOW * 1000)},v1={hmac.digest(forgotten.encode(), b'%d.%b' % (NOW * 1000, BODY), 'sha256').hex()}"
    for source in ({"v1": forgotten}, forgotten, lambda kid: [forgotten], rotating(Vault(v1=forgotten), Clock())):
        with pytest.raises(WebhookVerificationError, match="Unknown key ID"):
            verify_molam_signature(header, BODY, source, now=NOW)


def test_a_source_that_hangs_drops_no_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("molam_sdk.secrets.kept._PATIENCE", 0.05)
    vault, clock, over = Vault(v1="a"), Clock(), threading.Event()
    secrets = rotating(vault, clock)
    secrets("v1")
    clock.seconds = 60
    monkeypatch.setattr(vault, "secrets", _Hanging(over))
    assert [secrets("v1") for _ in range(20)] == [(b"a",)] * 20
    over.set()


class _Hanging(dict[str, object]):
    def __init__(self, over: threading.Event) -> None:
        super().__init__()
        self.over = over

    def get(self, *_: object) -> object:  # type: ignore[override]
        self.over.wait(30)
        return None


def test_a_source_is_told_of_by_its_label() -> None:
    environment = EnvironmentSecrets("SHOP_", {})
    assert environment.label == "environment:SHOP_"
    assert RotatingSecrets(environment).label == "environment:SHOP_"


def test_rotating_secrets_ask_their_source_itself_and_without_a_kid_for_none() -> None:
    environ = {"SHOP_V1": "one"}
    assert RotatingSecrets(EnvironmentSecrets("SHOP_", environ)).fetch("v1") == (b"one",)
    asked = list[str]()
    assert RotatingSecrets(lambda kid: asked.append(kid) or "two").fetch() == (b"two",)
    assert asked == [""]
