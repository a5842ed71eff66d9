"""Secrets in files: read again when they change, whichever way they are changed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from molam_sdk import ConfigurationError
from molam_sdk.secrets import FileSource


def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every file that is opened from now on."""
    found: list[Path] = []
    real = Path.open

    def noting(path: Path, *arguments: Any) -> Any:
        found.append(path)
        return real(path, *arguments)

    monkeypatch.setattr(Path, "open", noting)
    return found


@pytest.mark.parametrize("text", ["whsec_1", " whsec_1\n", "\ufeffwhsec_1\r\n", "\n\nwhsec_1\n\n"])
def test_the_white_space_around_a_secret_is_none_of_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "s").write_text(text, "utf-8")
    assert FileSource(tmp_path / "s")() == (b"whsec_1",)


def test_a_file_may_hold_several_secrets(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("new\nold, older,\n")
    assert FileSource(str(tmp_path / "s"))() == (b"new", b"old", b"older")


def test_a_field_of_a_json_object_can_be_meant(tmp_path: Path) -> None:
    (tmp_path / "s").write_text(json.dumps({"api_key": "sk_live_1", "v1": ["new", "old"]}))
    assert FileSource(tmp_path / "s", "api_key")() == (b"sk_live_1",)
    assert FileSource(tmp_path / "s", "{kid}")("v1") == (b"new", b"old")
    with pytest.raises(ValueError, match="holds no secret in 'other'"):
        FileSource(tmp_path / "s", "other")()


def test_a_kid_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "whsec_v1").write_text("one")
    (tmp_path / "secret").write_text("of another folder")
    (tmp_path / "deep").mkdir()
    source = FileSource(tmp_path / "whsec_{kid}")
    assert (source("v1"), source("v2"), source("")) == ((b"one",), (), ())
    for kid in ("..", ".", "../secret", "v1/../../secret", "v1\x00", "a" * 65):
        assert FileSource(f"{tmp_path}/deep/{{kid}}")(kid) == ()


def test_a_file_that_has_not_changed_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s"
    path.write_text("whsec_1")
    monkeypatch.setattr("molam_sdk.secrets.file._UNSETTLED_NS", -(10**18))
    source, found = FileSource(path), opened(monkeypatch)
    assert [source() for _ in range(3)] == [(b"whsec_1",)] * 3
    assert len(found) == 1


def test_one_that_was_just_written_is_read_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns() + 10**12  # by a coarse clock all changes are of one time
    monkeypatch.setattr("molam_sdk.secrets.file._look_of", lambda stat: (1, 1, now, now, 7))
    path, found = tmp_path / "s", []
    source = FileSource(path)
    for text in ("whsec_1", "whsec_2"):
        path.write_text(text)
        found.append(source())
    assert found == [(b"whsec_1",), (b"whsec_2",)]


def replaced(path: Path, text: str) -> None:
    fresh = path.with_name("fresh")
    fresh.write_text(text)
    fresh.replace(path)


def rewritten(path: Path, text: str) -> None:
    path.write_text(text)


def relinked(path: Path, text: str) -> None:
    """As Kubernetes does: the file is a link into ..data, which is a link to a folder, and that one is swapped."""
    folder = path.parent / f"..{len(list(path.parent.iterdir()))}"
    folder.mkdir()
    (folder / path.name).write_text(text)
    swapped = path.parent / "..data_tmp"
    swapped.symlink_to(folder.name)
    swapped.replace(path.parent / "..data")
    if not path.is_symlink():
        path.unlink(missing_ok=True)
        path.symlink_to(f"..data/{path.name}")


@pytest.mark.parametrize("write", [replaced, rewritten, relinked])
def test_a_file_that_changed_counts_at_the_next_call(tmp_path: Path, write: Any) -> None:
    path = tmp_path / "s"
    write(path, "whsec_1")
    source = FileSource(path)
    assert source() == (b"whsec_1",)
    for number in range(2, 6):
        write(path, f"whsec_{number}")
        assert source() == (f"whsec_{number}".encode(),)


@pytest.mark.parametrize("write", [replaced, relinked])
def test_one_that_was_kept_counts_no_more_when_it_is_another_file(
    tmp_path: Path, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("molam_sdk.secrets.file._UNSETTLED_NS", -(10**18))
    path = tmp_path / "s"
    write(path, "whsec_1")
    source = FileSource(path)
    assert source() == (b"whsec_1",)
    write(path, "whsec_2")
    assert source() == (b"whsec_2",)


def test_while_it_is_empty_or_gone_what_it_held_counts(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("whsec_1")
    source = FileSource(path)
    assert source() == (b"whsec_1",)
    path.write_text("")
    assert source() == (b"whsec_1",)
    path.write_text("\n")
    assert source() == (b"whsec_1",)
    path.unlink()
    assert source() == (b"whsec_1",)
    path.write_text("whsec_2")
    assert source() == (b"whsec_2",)


def test_without_a_time_to_be_stale_nothing_old_counts(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("whsec_1")
    source = FileSource(path, stale_for=0)
    assert source() == (b"whsec_1",)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        source()


@pytest.mark.parametrize(
    "content", [b"", b" \n", b"\xff\xfe\x00", b"x" * 65_537], ids=["empty", "blank", "binary", "large"]
)
def test_what_holds_no_secret_is_an_error_that_repeats_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"the file {path}") as caught:
        FileSource(path)()
    assert "xxx" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_folder_or_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="directory"):
        FileSource(tmp_path)()
    with pytest.raises(FileNotFoundError):
        FileSource(tmp_path / "none")()


@pytest.mark.parametrize("path", ["", " ", "a\x00b", "a\nb", 5, b"/run/secret"])
def test_a_path_that_is_none_is_refused(path: Any) -> None:
    with pytest.raises(ConfigurationError, match="path must be a name"):
        FileSource(path)


def test_its_repr_tells_where_it_looks_and_nothing_of_the_secret(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("whsec_1")
    source = FileSource(path)
    source()
    assert repr(source) == f"<FileSource file:{path}>"
    assert "whsec_1" not in repr(vars(source)["_slots"])
