"""Login, automatic refresh and logout with Authlib."""

import time

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from support import ISSUER, PASSWORD, USERNAME, did, refused

server = requests.get(f"{ISSUER}/.well-known/oauth-authorization-server", timeout=10).json()
saved = []


# Authlib calls it after each refresh: where an application keeps the new pair.
def save(token, refresh_token=None, access_token=None):
    saved.append(token)


session = OAuth2Session(
    "example",
    token_endpoint=server["token_endpoint"],
    token_endpoint_auth_method="none",
    revocation_endpoint_auth_method="none",
    update_token=save,
)


def log_in(password: str) -> dict:
    return session.fetch_token(username=USERNAME, password=password, grant_type="password")


error = refused(log_in, "wrong")
assert isinstance(error, OAuthError) and error.error == "invalid_grant"
did("wrong password refused")
first = log_in(PASSWORD)
assert session.get(f"{ISSUER}/users/me").json()["username"] == USERNAME
did("log in")

# As after a quarter of an hour.
session.token = dict(first) | {"expires_at": int(time.time()) - 1}
assert session.get(f"{ISSUER}/users/me").json()["username"] == USERNAME
assert saved[-1]["refresh_token"] != first["refresh_token"]
did("automatic refresh")

second = saved[-1]
answer = session.revoke_token(
    server["revocation_endpoint"], token=second["refresh_token"], token_type_hint="refresh_token"
)
assert answer.status_code == 200
assert session.get(f"{ISSUER}/users/me").status_code == 401
error = refused(lambda: session.refresh_token(refresh_token=second["refresh_token"]))
assert isinstance(error, OAuthError) and error.error == "invalid_grant"
did("revoke")
