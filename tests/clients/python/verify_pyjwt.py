"""Access tokens verified by PyJWT. PyJWKClient keeps the keys for five minutes, the service's JWKS_MAX_AGE, and
fetches them again for an unknown `kid`."""

import jwt
from support import prove


def verifier(issuer: str, audience: str):
    keys = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json")

    def verify(token: str) -> dict:
        key = keys.get_signing_key_from_jwt(token)
        decoded = jwt.decode_complete(
            token,
            key,
            algorithms=["ES256", "RS256", "EdDSA"],
            issuer=issuer,
            audience=audience,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
        # PyJWT leaves the type to its caller.
        if decoded["header"].get("typ", "").lower() != "at+jwt":
            raise jwt.InvalidTokenError("not an access token")
        return decoded["payload"]

    return verify


prove(verifier)
