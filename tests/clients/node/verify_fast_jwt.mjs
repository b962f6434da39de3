// Access tokens verified by fast-jwt, with keys that are fetched beside it.

import { createVerifier } from "fast-jwt";
import { createPublicKey } from "node:crypto";
import { publishedKeys } from "./published_keys.mjs";
import { prove } from "./support.mjs";

function verifier(issuer, audience) {
  const keys = publishedKeys(issuer);
  return createVerifier({
    key: async ({ header }) =>
      createPublicKey({ key: await keys(header.kid), format: "jwk" }).export({ type: "spki", format: "pem" }),
    algorithms: ["ES256", "RS256", "EdDSA"],
    allowedIss: issuer,
    allowedAud: audience,
    checkTyp: "at+jwt",
    requiredClaims: ["exp", "iss", "aud", "sub"],
  });
}

await prove(verifier);
