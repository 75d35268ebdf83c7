"""`thft fix decode`: captures and logs in every notation, exit codes, masked secrets."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.unit.fix.frames import framed

from thft.base.errors import LocalError
from thft.cli.fix import decode
from thft.fix.wire import MessageTooLong

LOGON = framed("35=A|34=1|49=A|52=20260302-09:15:00.120|56=B|98=0|108=30|554=swordfish|")
BEAT = framed("35=0|34=2|49=A|52=20260302-09:15:01.120|56=B|")
BAD = framed("35=0|34=3|", checksum="999")


def test_a_capture_is_shown_with_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "capture"
    file.write_bytes((LOGON + BEAT) * 500)
    assert decode(file) == 0
    shown = capsys.readouterr().out
    assert shown.count("Logon (A) 1 A → B") == 500
    assert "108   HeartBtInt               30" in shown
    assert "swordfish" not in shown
    assert shown.endswith("messages=1000 garbled=0 skipped_bytes=0\n")


@pytest.mark.parametrize("delimiter", [b"|", b"^A"])
def test_a_log_may_show_the_delimiter_otherwise(
    delimiter: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = b"".join(
        b"2026-03-02 09:15 out " + raw.replace(b"\x01", delimiter) + b"\n"
        for raw in [LOGON, BEAT] * 700
    )
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(log)))
    assert decode() == 0
    assert "messages=1400 garbled=0" in capsys.readouterr().out


def test_what_is_wrong_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "capture"
    file.write_bytes(BEAT + BAD + LOGON[:-9])
    assert decode(file) == 1
    shown = capsys.readouterr().out
    assert "garbled: CheckSum(10) is b'999'" in shown
    assert f"ends inside a message, {len(LOGON) - 9} bytes are left over" in shown
    assert shown.endswith("messages=1 garbled=1 skipped_bytes=0\n")
    file.write_bytes(b"no message at all\n")
    assert decode(file) == 1
    with pytest.raises(LocalError, match="cannot be read"):
        decode(tmp_path / "absent")


def test_what_came_before_an_endless_message_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "capture"
    file.write_bytes(BEAT + b"8=FIX.4.4\x019=99999999\x0135=0\x01")
    with pytest.raises(MessageTooLong):
        decode(file)
    assert "Heartbeat (0) 2 A → B" in capsys.readouterr().out
