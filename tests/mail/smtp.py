"""A mail server for tests: it speaks enough SMTP, over a real socket."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


class MailServer(socketserver.ThreadingTCPServer):
    """Keeps the bytes of what it takes; refuses recipients as it is told."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.taken: list[bytes] = []
        self.refuse: dict[str, str] = {}  # part of a recipient: the answer
        self.sessions = 0

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(each, policy=policy.default) for each in self.taken]


class Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.server.sessions += 1
        self.say("220 test")
        for line in iter(self.rfile.readline, b""):
            verb = line.decode("latin-1").strip()
            if verb.upper().startswith("DATA"):
                self.say("354 go on")
                self.server.taken.append(self.read_message())
                self.say("250 taken")
            elif verb.upper().startswith("QUIT"):
                self.say("221 bye")
                return
            else:
                self.say(self.answer(verb))

    def answer(self, verb: str) -> str:
        refusals = [
            said for part, said in self.server.refuse.items() if part in verb.lower()
        ]
        return refusals[0] if refusals else "250 fine"

    def read_message(self) -> bytes:
        lines: list[bytes] = []
        for line in iter(self.rfile.readline, b".\r\n"):
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def mail_server(settings: Any) -> Iterator[MailServer]:
    """A server that runs, and the settings that lead to it."""
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
