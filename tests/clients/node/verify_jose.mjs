// Access tokens verified by jose. It keeps the keys for the service's JWKS_MAX_AGE, and fetches them again for an
// unknown `kid`.

import { createRemoteJWKSet, jwtVerify } from "jose";
import { prove } from "./support.mjs";

function verifier(issuer, audience) {
  const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`), { cacheMaxAge: 300_000 });
  return async (token) => {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ["ES256", "RS256", "EdDSA"],
      issuer,
      audience,
      typ: "at+jwt",
      requiredClaims: ["exp", "sub"],
    });
    return payload;
  };
}

await prove(verifier);
