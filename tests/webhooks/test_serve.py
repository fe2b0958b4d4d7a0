"""What `mergecost serve` finds out before its first line."""

import socket

import pytest

from webhooks import serve


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "²"])
def test_a_port_out_of_range_is_refused(port: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        serve.main([f"--port={port}"])
    assert "is no port: a number from 1 to 65535" in capsys.readouterr().err


def test_a_port_in_use_is_named(tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("MERGECOST_DATA", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert serve.main(["--port", str(other.getsockname()[1])]) == 2
    said = capsys.readouterr()
    assert "another program listens there. Choose others with --host and --port" in said.err
    assert said.out == ""
    assert not (tmp_path / "mergecost.db").exists()
