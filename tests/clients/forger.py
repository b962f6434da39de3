"""Certificates for the services, and an issuer whose keys are known here, so that its tokens can be wrong in
one respect each."""

import base64
import datetime
import hmac
import http.server
import ipaddress
import json
import pathlib
import ssl
import threading
import time

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import get_default_algorithms

AUDIENCE = "rbac-sentinel"
JWKS = "/.well-known/jwks.json"


def make_certificates(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path, pathlib.Path]:
    """An authority, and a certificate and key of localhost."""
    now = datetime.datetime.now(datetime.UTC)
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of the client checks")])

    def certificate(name: x509.Name, public_key, *extensions) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(authority_name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(authority_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    usage = dict.fromkeys(
        [
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ],
        False,
    )
    of_authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    files = [folder / name for name in ("authority.pem", "certificate.pem", "key.pem")]
    files[0].write_bytes(
        certificate(
            authority_name,
            authority_key.public_key(),
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (x509.KeyUsage(digital_signature=False, key_cert_sign=True, crl_sign=True, **usage), True),
            (x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), False),
        )
    )
    files[1].write_bytes(
        certificate(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
            key.public_key(),
            (x509.SubjectAlternativeName(names), False),
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (of_authority, False),
        )
    )
    files[2].touch(mode=0o600)
    files[2].write_bytes(pem_of(key))
    return tuple(files)


def pem_of(key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class Key:
    """A signing key, which is published like the service's."""

    def __init__(self, algorithm: str):
        self.algorithm = algorithm
        self.private = {
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
        }[algorithm]()
        jwk = json.loads(get_default_algorithms()[algorithm].to_jwk(self.private.public_key()))
        jwk.pop("key_ops", None)
        self.jwk = jwk | {"kid": f"{algorithm}-key", "alg": algorithm, "use": "sig"}

    def sign(self, claims: dict, typ: str = "at+jwt") -> str:
        headers = {"kid": self.jwk["kid"], "typ": typ}
        return jwt.encode(claims, self.private, algorithm=self.algorithm, headers=headers)

    def confused(self, claims: dict) -> str:
        """Signed by HS256 with what everybody knows: the public key."""
        public = self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        headers = {"kid": self.jwk["kid"], "typ": "at+jwt", "alg": "HS256"}
        unsigned = f"{part(headers)}.{part(claims)}"
        # By hand: PyJWT refuses to do this.
        return f"{unsigned}.{base64url(hmac.digest(public, unsigned.encode(), 'sha256'))}"

    def unsigned(self, claims: dict) -> str:
        return f"{part({'alg': 'none', 'kid': self.jwk['kid'], 'typ': 'at+jwt'})}.{part(claims)}."


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def part(value: dict) -> str:
    return base64url(json.dumps(value).encode())


def tampered(token: str) -> dict[str, str]:
    """The token with other claims, and with another signature."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    # Somewhere in the middle: the last character may have bits that do not count.
    other = "A" if signature[20] != "A" else "B"
    return {
        "changed claims": f"{header}.{part(claims | {'sub': 'somebody-else'})}.{signature}",
        "a changed signature": f"{header}.{payload}.{signature[:20]}{other}{signature[21:]}",
    }


def case_of(algorithm: str, issuer: str, keys: str, good: str, sub: str, refused: dict[str, str]) -> dict:
    return {
        "algorithm": algorithm, "issuer": issuer, "audience": AUDIENCE, "keys": keys, "good": good, "sub": sub,
        "refused": refused,
    }  # fmt: skip


def forged_case(key: Key, url: str, another_issuer: str) -> dict:
    """Tokens of an issuer at `url`: one that is right, and those that are wrong in one respect."""
    issuer, now = f"{url}/{key.algorithm}", int(time.time())
    right = {"iss": issuer, "aud": AUDIENCE, "sub": "someone", "iat": now, "exp": now + 600, "jti": "1"}
    refused = {
        "another issuer": key.sign(right | {"iss": another_issuer}),
        "another audience": key.sign(right | {"aud": "another-service"}),
        "an expired token": key.sign(right | {"iat": now - 7200, "exp": now - 3600}),
        "a token that never expires": key.sign({name: right[name] for name in right if name != "exp"}),
        "another type of token": key.sign(right, typ="JWT"),
        "a token of an unknown key": Key(key.algorithm).sign(right),
        "a public key used as a secret": key.confused(right),
        "no signature": key.unsigned(right),
    }
    return case_of(key.algorithm, issuer, "forged", key.sign(right), "someone", refused)


def serve_keys(keys: list[Key], certificate: pathlib.Path, private_key: pathlib.Path) -> str:
    """Publishes each key at /ALGORITHM/.well-known/jwks.json. Returns the address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802
            found = [key.jwk for key in keys if self.path == f"/{key.algorithm}{JWKS}"]
            body = json.dumps({"keys": found}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, private_key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"https://localhost:{server.server_port}"
