// Access tokens verified by fast-jwt, with the keys fetched once.

import { createVerifier } from "fast-jwt";
import { createPublicKey } from "node:crypto";
import { prove } from "./support.mjs";

async function verifier(issuer, audience) {
  const { keys } = await (await fetch(`${issuer}/.well-known/jwks.json`)).json();
  const pem = (jwk) => createPublicKey({ key: jwk, format: "jwk" }).export({ type: "spki", format: "pem" });
  const keyOf = async ({ header }) => {
    const jwk = keys.find(({ kid }) => kid === header.kid);
    if (!jwk) throw new Error("unknown key");
    return pem(jwk);
  };
  return createVerifier({
    key: keyOf,
    algorithms: ["ES256", "RS256", "EdDSA"],
    allowedIss: issuer,
    allowedAud: audience,
    checkTyp: "at+jwt",
    requiredClaims: ["exp", "iss", "aud", "sub"],
  });
}

await prove(verifier);
