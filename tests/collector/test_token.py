"""A token reaches the server that it was made for, and nobody else; no server holds a push for ever."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from collector.client import Client
from collector.exchange import PushError
from collector.settings import Settings, SettingsError, read_settings
from tests.collector.developer import Developer
from tests.collector.fake_server import TOKEN, Server

FILE = 'url = "https://file.example/base"\ntoken = "file-token"\n'


def settings_file(folder: Path, text: str) -> dict[str, str]:
    path = folder / "mergecost/config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    path.chmod(0o600)
    return {"XDG_CONFIG_HOME": str(folder)}


@pytest.mark.parametrize(
    "url",
    ["https://evil.example", "https://file.example", "https://file.example.evil.example/base", "http://127.0.0.1:1"],
)
def test_the_token_of_the_file_is_for_the_address_in_the_file(tmp_path: Path, url: str):
    env = settings_file(tmp_path, FILE)
    for option, variable in ((None, url), (url, "")):
        with pytest.raises(
            SettingsError, match=r"is for https://file.example/base, so it is not sent to .* set MERGECOST_TOKEN"
        ):
            read_settings(env | {"MERGECOST_URL": variable}, option)
    assert read_settings(env | {"MERGECOST_URL": "https://file.example/base/"}, None).token == "file-token"
    assert read_settings(env | {"MERGECOST_URL": url, "MERGECOST_TOKEN": "own"}, None).token == "own"


def test_a_token_without_an_address_beside_it_goes_nowhere(tmp_path: Path):
    env = settings_file(tmp_path, 'token = "file-token"\n')
    with pytest.raises(SettingsError, match="has no url beside it"):
        read_settings(env | {"MERGECOST_URL": "https://evil.example"}, None)


def test_a_project_that_names_another_server_gets_no_token(home: Path, repo: Path, server: Server):
    dev = Developer(home, repo)
    del dev.env["MERGECOST_TOKEN"], dev.env["MERGECOST_STATE"]
    settings_file(home / "config", FILE)
    dev.work(1)
    for arguments in (("push",), ("push", "--if-due"), ("push", "--dry-run"), ("guard",)):
        dev.mergecost(*arguments, MERGECOST_URL=server.url, XDG_CONFIG_HOME=str(home / "config"))
    assert server.heads == []


def test_no_redirect_is_followed(home: Path, repo: Path, server: Server):
    with Server() as elsewhere:
        server.repositories = ["acme/widgets"]
        dev = Developer(home, repo, MERGECOST_URL=server.url, MERGECOST_TOKEN=TOKEN)
        dev.work(1)
        for status in (301, 302, 303, 307, 308):
            server.answers = [(status, {"Location": f"{elsewhere.url}/v1/usage"})]
            assert "redirects to" in dev.mergecost("push").stderr
        assert elsewhere.heads == []


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o666, 0o602])
def test_a_token_that_others_can_read_is_remarked_upon_once(home: Path, repo: Path, mode: int):
    dev = Developer(home, repo)
    path = home / ".config/mergecost/config.toml"
    path.parent.mkdir(parents=True)
    target = home / "dotfiles.toml"
    target.write_text('url = "http://127.0.0.1:1"\ntoken = "t"\n')
    path.symlink_to(target)
    for arguments in (("push",), ("push", "--if-due"), ("guard",), ("hooks", "install")):
        target.chmod(mode)
        assert dev.mergecost(*arguments).stderr.count(f"chmod 600 {target}\n") == 1, arguments
        (dev.state / "attempts.json").unlink(missing_ok=True)
        target.chmod(0o600)
        assert "chmod" not in dev.mergecost(*arguments).stderr
        (dev.state / "attempts.json").unlink(missing_ok=True)


def test_settings_that_are_no_file_are_named(tmp_path: Path):
    env = settings_file(tmp_path, "")
    path = tmp_path / "mergecost/config.toml"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(SettingsError, match="is no regular file"):
        read_settings(env, None)
    path.unlink()
    path.write_text(f"url = {'[' * 100_000}")
    with pytest.raises(SettingsError, match="cannot use"):
        read_settings(env, None)


@contextmanager
def endless(answer: Callable[[socket.socket], object]) -> Iterator[str]:
    """The address of a server that has this answer for one request."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(100_000)
            with suppress(OSError):  # it went away
                answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        done.clear()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        done.set()
        thread.join()


done = threading.Event()


def interim_answers(connection: socket.socket) -> None:
    """Each of them is an answer in time, and none is the last: https://www.rfc-editor.org/rfc/rfc9110#name-100-continue"""
    while not done.is_set():
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def one_byte_after_another(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not done.is_set():
        connection.sendall(b"1\r\n \r\n")


def silence(connection: socket.socket) -> None:
    done.wait()


@pytest.mark.parametrize("answer", [interim_answers, one_byte_after_another, silence])
def test_a_server_that_never_finishes_is_given_up(answer: Callable[[socket.socket], object]):
    with endless(answer) as url, pytest.raises(PushError, match=r"too slow .* Nothing is lost"):
        Client(Settings(url, "t"), "1", request_seconds=0.2).coverage()


def test_a_push_as_a_whole_has_an_end():
    with endless(silence) as url, pytest.raises(PushError, match="too slow"):
        Client(Settings(url, "t"), "1", push_seconds=0).coverage()


def test_an_answer_without_end_is_read_so_far(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("collector.exchange.MAX_ANSWER_BYTES", 1000)

    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        while not done.is_set():
            connection.sendall(b" " * 1000)

    with endless(flood) as url, pytest.raises(PushError, match="is the address right"):
        Client(Settings(url, "t"), "1").coverage()
