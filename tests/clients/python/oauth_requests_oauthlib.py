"""Login, automatic refresh and logout with requests-oauthlib."""

import time

import requests
from oauthlib.oauth2 import InvalidGrantError, LegacyApplicationClient
from requests_oauthlib import OAuth2Session
from support import ISSUER, PASSWORD, USERNAME, did, refused

TOKEN = f"{ISSUER}/oauth/token"
saved = []
session = OAuth2Session(
    client=LegacyApplicationClient(client_id="example"),
    auto_refresh_url=TOKEN,
    auto_refresh_kwargs={"client_id": "example"},
    # Where an application keeps the new pair.
    token_updater=saved.append,
)


def log_in(password: str) -> dict:
    return session.fetch_token(TOKEN, username=USERNAME, password=password, include_client_id=True)


assert isinstance(refused(log_in, "wrong"), InvalidGrantError)
did("wrong password refused")
first = log_in(PASSWORD)
assert session.get(f"{ISSUER}/users/me").json()["username"] == USERNAME
did("log in")

# As after a quarter of an hour.
session.token = first | {"expires_at": time.time() - 1}
assert session.get(f"{ISSUER}/users/me").json()["username"] == USERNAME
assert saved[-1]["refresh_token"] != first["refresh_token"]
did("automatic refresh")

# The library makes no such request by itself.
form = {"token": saved[-1]["refresh_token"], "client_id": "example"}
assert requests.post(f"{ISSUER}/oauth/revoke", form, timeout=10).status_code == 200
assert session.get(f"{ISSUER}/users/me").status_code == 401
session.token = saved[-1] | {"expires_at": time.time() - 1}
assert isinstance(refused(session.get, f"{ISSUER}/users/me"), InvalidGrantError)
did("revoke")
