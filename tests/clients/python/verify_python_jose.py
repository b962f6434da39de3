"""Access tokens verified by python-jose, with the keys fetched by requests. It knows no EdDSA keys."""

import requests
from jose import JWTError, jwt
from support import prove


def verifier(issuer: str, audience: str):
    keys = requests.get(f"{issuer}/.well-known/jwks.json", timeout=10).json()

    def verify(token: str) -> dict:
        # python-jose leaves the type to its caller.
        if jwt.get_unverified_header(token).get("typ", "").lower() != "at+jwt":
            raise JWTError("not an access token")
        required = {"require_exp": True, "require_iss": True, "require_aud": True, "require_sub": True}
        return jwt.decode(
            token,
            keys,
            algorithms=["ES256", "RS256", "EdDSA"],
            issuer=issuer,
            audience=audience,
            options=required,
        )

    return verify


prove(verifier)
