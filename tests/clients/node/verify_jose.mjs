// Access tokens verified by jose. It keeps the keys, and fetches them again for an unknown `kid`.

import { createRemoteJWKSet, jwtVerify } from "jose";
import { prove } from "./support.mjs";

function verifier(issuer, audience) {
  const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));
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
