"""A client from `openapi-python-client generate --path openapi.json --meta none --output-path sentinel_client`:
a module an operation, over httpx, with the answers as classes."""

import os
from http import HTTPStatus
from uuid import UUID

from sentinel_client import AuthenticatedClient, Client
from sentinel_client.api.account import read_me
from sentinel_client.api.administration import list_users, read_user
from sentinel_client.api.authentication import logout, register, token
from sentinel_client.models import Logout, OAuthError, Problem, Register, TokenForm
from sentinel_client.models import TokenFormGrantType, Tokens, User, UserPage
from sentinel_client.types import UNSET
from support import ISSUER, PASSWORD, USERNAME, did

anyone = Client(base_url=ISSUER, raise_on_unexpected_status=True)


def grant(grant_type: str, **form: str) -> Tokens:
    answer = token.sync(client=anyone, body=TokenForm(TokenFormGrantType(grant_type), **form))
    if isinstance(answer, OAuthError):
        raise SystemExit(f"{answer.error}: {answer.error_description}")
    return answer


def speaking_as(tokens: Tokens) -> AuthenticatedClient:
    return AuthenticatedClient(base_url=ISSUER, token=tokens.access_token, raise_on_unexpected_status=True)


body = Register(username=USERNAME, email=f"{USERNAME}@example.com", password=PASSWORD)
assert isinstance(register.sync(client=anyone, body=body), User)
did("register")

weak = register.sync_detailed(
    client=anyone, body=Register(username="weak", email="weak@example.com", password="password")
)
assert weak.status_code == HTTPStatus.UNPROCESSABLE_ENTITY and isinstance(weak.parsed, Problem)
assert weak.parsed.errors[0].field == "password"
did("422 with the field")

stranger = read_me.sync_detailed(client=anyone)
assert stranger.status_code == HTTPStatus.UNAUTHORIZED and isinstance(stranger.parsed, Problem)
did("401")

first = grant("password", username=USERNAME, password=PASSWORD)
did("log in")
second = grant("refresh_token", refresh_token=first.refresh_token)
assert second.refresh_token != first.refresh_token
did("refresh")
me = read_me.sync(client=speaking_as(second))
assert isinstance(me, User) and me.roles == ["user"] and me.created_at.utcoffset() is not None
did("read the account")

admin = speaking_as(grant("password", username="admin", password=os.environ["ADMIN_PASSWORD"]))
names, cursor = [], UNSET
while True:
    page = list_users.sync(client=admin, limit=1, cursor=cursor)
    assert isinstance(page, UserPage)
    names += [user.username for user in page.items]
    cursor = page.next_cursor
    if cursor is UNSET:
        break
assert USERNAME in names and len(set(names)) == len(names)
did("list all pages")

missing = read_user.sync_detailed(UUID("00000000-0000-7000-8000-000000000000"), client=admin)
assert missing.status_code == HTTPStatus.NOT_FOUND and isinstance(missing.parsed, Problem)
did("404")

assert logout.sync_detailed(client=speaking_as(second), body=Logout()).status_code == HTTPStatus.NO_CONTENT
assert isinstance(read_me.sync(client=speaking_as(second)), Problem)
did("log out")
