"""Access tokens verified by joserfc, with keys that are fetched beside it."""

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import import_key
from joserfc.jwt import JWTClaimsRegistry

from published_keys import PublishedKeys
from support import prove


def verifier(issuer: str, audience: str):
    keys = PublishedKeys(issuer)
    rules = JWTClaimsRegistry(
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
        sub={"essential": True},
    )

    def verify(token: str) -> dict:
        # EdDSA must be named here: joserfc's own list of recommended algorithms has the newer name Ed25519.
        decoded = jwt.decode(
            token, lambda signed: import_key(keys.get(signed.headers()["kid"])), algorithms=["ES256", "RS256", "EdDSA"]
        )
        # joserfc leaves the type to its caller.
        if decoded.header.get("typ", "").lower() != "at+jwt":
            raise JoseError("not an access token")
        rules.validate(decoded.claims)
        return decoded.claims

    return verify


prove(verifier)
