"""The built service, started for the clients."""

import json
import os
import pathlib
import secrets
import socket
import ssl
import subprocess
import time
import urllib.request

PASSWORD = "violet-harbour-31"


def free_ports(count: int) -> list[int]:
    # All sockets are open at once, so that the ports differ.
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Service:
    """One that signs with this algorithm, over TLS, in a folder of its own."""

    def __init__(self, binary: pathlib.Path, algorithm: str, folder: pathlib.Path, tls: tuple, **options: str):
        folder.mkdir()
        self.tls = ssl.create_default_context(cafile=tls[0])
        api, ops = free_ports(2)
        self.url, self.ops = f"https://localhost:{api}", f"http://127.0.0.1:{ops}"
        self.admin_password = secrets.token_urlsafe(24)
        self.log = folder / "log"
        environment = {
            "PATH": os.environ["PATH"],
            "API_ADDR": f"127.0.0.1:{api}",
            "OPS_ADDR": f"127.0.0.1:{ops}",
            "PUBLIC_URL": self.url,
            "TLS_CERT": str(tls[1]),
            "TLS_KEY": str(tls[2]),
            "DATA_DIR": str(folder / "data"),
            "ADMIN_USERNAME": "admin",
            "ADMIN_PASSWORD": self.admin_password,
            "SIGNING_ALG": algorithm,
            "LOG_FORMAT": "json",
            "RATE_LIMITS": "off",
            "ALLOW_INSECURE": "true",
            "HASH_MEMORY_KIB": "64",
            "HASH_ITERATIONS": "1",
            **options,
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([binary], cwd=folder, env=environment, stdout=log, stderr=log)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"{self.ops}/readyz", timeout=5):
                    return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"the service did not become ready:\n{self.log.read_text()[-3000:]}") from None
                time.sleep(0.05)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=30, context=self.tls) as response:
            return response.read()

    def post(self, path: str, body: bytes, kind: str) -> dict:
        request = urllib.request.Request(self.url + path, body, {"Content-Type": kind})
        with urllib.request.urlopen(request, timeout=30, context=self.tls) as response:
            return json.load(response)

    def register(self, username: str) -> dict:
        account = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
        return self.post("/register", json.dumps(account).encode(), "application/json")

    def log_in(self, username: str) -> str:
        form = f"username={username}&password={PASSWORD}".encode()
        return self.post("/login", form, "application/x-www-form-urlencoded")["access_token"]
