"""Files are offered when they have changed, and again when they could not be used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from molam_sdk._transport import watched_files
from molam_sdk._transport.watched_files import WatchedFiles, check_whole


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cert.pem"
    path.write_text("one")
    return path


def test_nothing_has_changed_once_it_is_taken(file: Path) -> None:
    files = WatchedFiles(None, str(file))
    assert files.changed()
    files.take(files.stamp())
    assert not files.changed()


def test_a_change_of_size_of_time_or_of_the_file_behind_a_link_counts(file: Path) -> None:
    link = file.with_name("link.pem")
    link.symlink_to(file)
    files = WatchedFiles(str(link))
    files.take(files.stamp())
    file.write_text("other")
    assert files.changed()
    files.take(files.stamp())
    os.utime(file, (1, 1))
    assert files.changed()
    files.take(files.stamp())
    other = file.with_name("other.pem")
    other.write_text("third")
    os.utime(other, (1, 1))
    link.with_name("new").symlink_to(other)
    link.with_name("new").replace(link)
    assert files.changed()


def test_a_file_that_goes_counts_as_a_change(file: Path) -> None:
    files = WatchedFiles(str(file))
    files.take(files.stamp())
    file.unlink()
    assert files.changed()


def test_what_was_refused_is_offered_again_after_a_while(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(watched_files, "clock", lambda: now[0])
    files = WatchedFiles(str(file))
    stamp = files.stamp()
    assert files.refuse(stamp)
    assert not files.changed()
    now[0] += 1
    assert files.changed()
    assert not files.refuse(stamp)
    file.write_text("another")
    assert files.changed()
    assert files.refuse(files.stamp())


def test_a_file_whose_last_block_has_no_end_is_not_whole(file: Path) -> None:
    file.write_text("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")
    check_whole(str(file))
    file.write_text("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nx")
    with pytest.raises(ValueError, match="is cut short"):
        check_whole(str(file))
