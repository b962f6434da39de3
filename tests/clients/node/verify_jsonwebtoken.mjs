// Access tokens verified by jsonwebtoken, with the keys from jwks-rsa, which keeps them for the service's JWKS_MAX_AGE.
// jsonwebtoken knows no EdDSA keys.

import jwt from "jsonwebtoken";
import jwksClient from "jwks-rsa";
import { promisify } from "node:util";
import { prove } from "./support.mjs";

function verifier(issuer, audience) {
  const keys = jwksClient({ jwksUri: `${issuer}/.well-known/jwks.json`, cacheMaxAge: 300_000, rateLimit: true });
  const keyOf = (header, callback) =>
    keys.getSigningKey(header.kid).then((key) => callback(null, key.getPublicKey()), callback);
  return async (token) => {
    const { header, payload } = await promisify(jwt.verify)(token, keyOf, {
      algorithms: ["ES256", "RS256", "EdDSA"],
      issuer,
      audience,
      complete: true,
    });
    // jsonwebtoken leaves the type to its caller, and accepts a token that never expires.
    if (header.typ?.toLowerCase() !== "at+jwt") throw new Error("not an access token");
    if (!payload.exp) throw new Error("never expires");
    return payload;
  };
}

await prove(verifier);
