"""The service's published keys, for libraries that do not fetch them themselves."""

import time

import requests

# JWKS_MAX_AGE of the service: a new key is published longer than that before it signs.
MAX_AGE = 300
# Unknown keys are anybody's to invent.
PAUSE = 10


class PublishedKeys:
    def __init__(self, issuer: str):
        self.url, self.fetched, self.keys = f"{issuer}/.well-known/jwks.json", None, {}

    def get(self, kid: str) -> dict:
        age = MAX_AGE if self.fetched is None else time.monotonic() - self.fetched
        if age >= MAX_AGE or (kid not in self.keys and age >= PAUSE):
            answer = requests.get(self.url, timeout=10)
            answer.raise_for_status()
            self.keys = {key["kid"]: key for key in answer.json()["keys"]}
            self.fetched = time.monotonic()
        return self.keys[kid]
