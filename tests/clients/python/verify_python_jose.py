"""Access tokens verified by python-jose, with keys that are fetched beside it. It knows no EdDSA keys."""

from jose import JWTError, jwt

from published_keys import PublishedKeys
from support import prove


def verifier(issuer: str, audience: str):
    keys = PublishedKeys(issuer)

    def verify(token: str) -> dict:
        header = jwt.get_unverified_header(token)
        # python-jose leaves the type to its caller.
        if header.get("typ", "").lower() != "at+jwt":
            raise JWTError("not an access token")
        required = {"require_exp": True, "require_iss": True, "require_aud": True, "require_sub": True}
        return jwt.decode(
            token,
            keys.get(header["kid"]),
            algorithms=["ES256", "RS256", "EdDSA"],
            issuer=issuer,
            audience=audience,
            options=required,
        )

    return verify


prove(verifier)
