"""Access tokens verified by joserfc, with the keys fetched by requests."""

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry
from support import prove


def verifier(issuer: str, audience: str):
    keys = KeySet.import_key_set(requests.get(f"{issuer}/.well-known/jwks.json", timeout=10).json())
    rules = JWTClaimsRegistry(
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
        sub={"essential": True},
    )

    def verify(token: str) -> dict:
        # EdDSA must be named here: joserfc's own list of recommended algorithms has the newer name Ed25519.
        decoded = jwt.decode(token, keys, algorithms=["ES256", "RS256", "EdDSA"])
        # joserfc leaves the type to its caller.
        if decoded.header.get("typ", "").lower() != "at+jwt":
            raise JoseError("not an access token")
        rules.validate(decoded.claims)
        return decoded.claims

    return verify


prove(verifier)
