"""Runs every client against the built service, and keeps the tables of docs/clients.md. `scripts/client-checks`
starts it, with the Python that the clients are installed for."""

import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import forger
from service import PASSWORD, Service

HERE = pathlib.Path(__file__).resolve().parent
DOCUMENT = HERE.parent.parent / "docs/clients.md"
ALGORITHMS = ["ES256", "RS256", "EdDSA"]


@dataclasses.dataclass(frozen=True)
class Client:
    """A program here, and what it proves."""

    name: str
    program: str
    # Packages in the lists beside this file, whose versions the table gives.
    packages: tuple[str, ...]
    # What makes a client from the OpenAPI document, in order.
    commands: tuple[str, ...] = ()
    # Algorithms that the library refuses whatever the program does.
    lacks: frozenset[str] = frozenset()

    @property
    def username(self) -> str:
        """The account that is the program's own."""
        return pathlib.Path(self.program).stem.replace("_", "-")


VERIFIERS = [
    Client("PyJWT", "python/verify_pyjwt.py", ("pyjwt",)),
    Client("python-jose", "python/verify_python_jose.py", ("python-jose",), lacks=frozenset({"EdDSA"})),
    Client("joserfc", "python/verify_joserfc.py", ("joserfc",)),
    Client("jose", "node/verify_jose.mjs", ("jose",)),
    Client(
        "jsonwebtoken with jwks-rsa", "node/verify_jsonwebtoken.mjs", ("jsonwebtoken", "jwks-rsa"),
        lacks=frozenset({"EdDSA"}),
    ),
    Client("fast-jwt", "node/verify_fast_jwt.mjs", ("fast-jwt",)),
]  # fmt: skip
OAUTH = [
    Client("requests-oauthlib", "python/oauth_requests_oauthlib.py", ("requests-oauthlib",)),
    Client("Authlib", "python/oauth_authlib.py", ("authlib",)),
    Client("oauth4webapi", "node/oauth_oauth4webapi.mjs", ("oauth4webapi",)),
    Client("openid-client", "node/oauth_openid_client.mjs", ("openid-client",)),
    Client("simple-oauth2", "node/oauth_simple_oauth2.mjs", ("simple-oauth2",)),
]
# Of programs with what was generated for them.
TYPE_CHECK = (
    "tsc --noEmit --strict --target es2022 --module esnext --moduleResolution bundler"
    " --allowImportingTsExtensions --skipLibCheck --types node"
)
GENERATED = [
    Client(
        "openapi-typescript with openapi-fetch", "generated/openapi_fetch.ts", ("openapi-typescript", "openapi-fetch"),
        commands=(
            "openapi-typescript ../openapi.json -o openapi-fetch/schema.d.ts",
            f"{TYPE_CHECK} openapi_fetch.ts",
        ),
    ),
    Client(
        "@hey-api/openapi-ts", "generated/hey_api.ts", ("@hey-api/openapi-ts",),
        commands=("openapi-ts -i ../openapi.json -o hey-api --no-log-file", f"{TYPE_CHECK} hey_api.ts"),
    ),
    Client(
        "orval with zod", "generated/orval.ts", ("orval", "zod"),
        commands=("orval --config orval.config.ts", f"{TYPE_CHECK} orval.ts"),
    ),
    Client(
        "openapi-python-client", "python/generated_openapi_python_client.py", ("openapi-python-client",),
        commands=(
            "openapi-python-client generate --path ../openapi.json --meta none --output-path sentinel_client",
        ),
    ),
]  # fmt: skip


@dataclasses.dataclass
class Result:
    did: list[str]
    output: str
    failure: str = ""
    seconds: float = 0


def versions() -> dict[str, str]:
    """Of every package, by the name in the lists beside this file."""
    npm = json.loads((HERE / "package.json").read_text())["dependencies"]
    pinned = re.findall(r"^([a-z0-9-]+)==(\S+)", (HERE / "requirements.txt").read_text(), re.MULTILINE)
    return npm | dict(pinned)


def cases(services: dict[str, Service], tls: tuple, folder: pathlib.Path) -> pathlib.Path:
    """The tokens that the verifiers are shown: of the services, and forged ones."""
    keys = [forger.Key(algorithm) for algorithm in ALGORITHMS]
    forgery = forger.serve_keys(keys, tls[1], tls[2])
    found = []
    for algorithm, server in services.items():
        account = server.register("reader")
        token = server.log_in("reader")
        found.append(forger.case_of(algorithm, server.url, "published", token, account["id"], forger.tampered(token)))
    found += [forger.forged_case(key, forgery, services[key.algorithm].url) for key in keys]
    file = folder / "cases.json"
    file.write_text(json.dumps(found))
    return file


class Runs:
    """Runs programs, in copies that find the packages of Node."""

    def __init__(self, tools: pathlib.Path, scratch: pathlib.Path, environment: dict[str, str]):
        self.folder = tools / "programs"
        shutil.rmtree(self.folder, ignore_errors=True)
        for part in ("python", "node", "generated"):
            shutil.copytree(HERE / part, self.folder / part)
        # It says what kind of modules the programs are.
        shutil.copy(HERE / "package.json", self.folder)
        self.python = tools / "python/bin/python"
        binaries = f"{tools / 'python/bin'}:{tools / 'node_modules/.bin'}:{os.environ['PATH']}"
        self.environment = environment | {"PATH": binaries, "HOME": str(scratch), "NO_UPDATE_NOTIFIER": "1"}

    def keep_document(self, document: bytes) -> None:
        (self.folder / "openapi.json").write_bytes(document)

    def run(self, client: Client) -> Result:
        started = time.monotonic()
        environment = self.environment | {"CLIENT_USERNAME": client.username}
        program = self.folder / client.program
        runner = {".py": self.python, ".mjs": "node", ".ts": "tsx"}[program.suffix]
        output, did = "", []
        for command in [*client.commands, f"{runner} {program.name}"]:
            done = subprocess.run(
                command.split(), cwd=program.parent, env=environment, capture_output=True, text=True,
                timeout=300, check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            output += f"$ {command}\n{done.stdout}{done.stderr}"
            did = done.stdout.splitlines()
            if done.returncode:
                return Result(did, output, f"`{command}` ended with {done.returncode}", time.monotonic() - started)
        return Result(did, output, "", time.monotonic() - started)


def verification_row(client: Client, result: Result) -> list[str]:
    """Which algorithms the client verified. Notes a failure where that is not what its library has."""
    cells = []
    for algorithm in ALGORITHMS:
        done = {f"{algorithm} published", f"{algorithm} forged"} & set(result.did)
        if len(done) == 2 and algorithm not in client.lacks:
            cells.append("yes")
        elif not done and algorithm in client.lacks:
            cells.append("not in the library")
        else:
            cells.append("**no**")
            result.failure = result.failure or f"{algorithm}: {sorted(done) or 'neither published nor forged'}"
    return cells


def table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tables(results: dict[Client, Result]) -> dict[str, str]:
    """The tables, by the names of their places in the document."""
    version = versions()

    def name(client: Client) -> str:
        return f"{client.name} {', '.join(version[package] for package in client.packages)}"

    def program(client: Client) -> str:
        return f"[{client.program}](../tests/clients/{client.program})"

    def done(clients: list[Client]) -> str:
        rows = [
            [name(each), program(each), "**fails**" if results[each].failure else ", ".join(results[each].did)]
            for each in clients
            if each in results
        ]
        return table(["Client", "Program", "What was done"], rows)

    verified = [
        [name(each), program(each), *verification_row(each, results[each])] for each in VERIFIERS if each in results
    ]
    return {
        "verification": table(["Client", "Program", *ALGORITHMS], verified),
        "oauth": done(OAUTH),
        "generated": done(GENERATED),
    }


def with_tables(text: str, made: dict[str, str]) -> str:
    for place, content in made.items():
        begin, end = f"<!-- {place}: written by scripts/client-checks --write -->", f"<!-- end of {place} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            sys.exit(f"{DOCUMENT.name} has no place for the table `{place}`")
        text = f"{before}{begin}\n{content}\n{end}{after}"
    return text


def keep_tables(made: dict[str, str], write: bool) -> bool:
    """Compares the document with the run, or writes it. Whether it is current."""
    committed = DOCUMENT.read_text()
    current = with_tables(committed, made)
    if write:
        DOCUMENT.write_text(current)
    elif current != committed:
        print("docs/clients.md is not what this run found; look at the difference after\n")
        print("    scripts/client-checks --write\n")
        for line in sorted(set(current.splitlines()) - set(committed.splitlines())):
            print(f"  found: {line}")
        return False
    return True


def main() -> int:
    write = "--write" in sys.argv[1:]
    wanted = [word for word in sys.argv[1:] if not word.startswith("-")]
    binary, tools = (pathlib.Path(os.environ[name]).resolve() for name in ("SERVER", "TOOLS"))
    clients = VERIFIERS + OAUTH + GENERATED
    if wanted:
        clients = [each for each in clients if any(word in each.program for word in wanted)]

    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        tls = forger.make_certificates(scratch)
        services = {each: Service(binary, each, scratch / each, tls) for each in ALGORITHMS}
        try:
            for server in services.values():
                server.wait_until_ready()
            main_service = services["ES256"]
            for client in OAUTH:
                main_service.register(client.username)
            runs = Runs(tools, scratch, {
                "CASES": str(cases(services, tls, scratch)),
                "ISSUER": main_service.url,
                "CLIENT_PASSWORD": PASSWORD,
                "ADMIN_PASSWORD": main_service.admin_password,
                # The programs trust the authority as they would trust a company's.
                "SSL_CERT_FILE": str(tls[0]),
                "REQUESTS_CA_BUNDLE": str(tls[0]),
                "NODE_EXTRA_CA_CERTS": str(tls[0]),
            })  # fmt: skip
            runs.keep_document(main_service.get("/openapi.json"))
            with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
                results = dict(zip(clients, pool.map(runs.run, clients), strict=True))
        finally:
            for server in services.values():
                server.stop()

    made = tables(results)
    current = True if wanted else keep_tables(made, write)
    failed = [client for client in clients if results[client].failure]
    for client in failed:
        # Some libraries print whole connections.
        output = results[client].output.splitlines()[:60]
        print(f"--- {client.name}: {results[client].failure}", *output, sep="\n")
    for client in clients:
        verdict = "FAILED" if client in failed else "ok"
        print(f"{verdict:6} {results[client].seconds:4.0f}s  {client.name}: {', '.join(results[client].did)}")
    return 1 if failed or not current else 0


if __name__ == "__main__":
    sys.exit(main())
