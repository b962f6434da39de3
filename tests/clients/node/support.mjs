// What the programs for Node here share. `run.py` starts them with this environment.

import { readFileSync } from "node:fs";

export const ISSUER = process.env.ISSUER;
export const USERNAME = process.env.CLIENT_USERNAME;
export const PASSWORD = process.env.CLIENT_PASSWORD;

/** Says what worked: the table in docs/clients.md is made of these lines. */
export function did(what) {
  console.log(what);
}

/** The error that the call must fail with. */
export async function refused(call) {
  let result;
  try {
    result = await call();
  } catch (error) {
    return error;
  }
  throw new Error(`not refused: ${JSON.stringify(result)}`);
}

/**
 * Verifies tokens of each algorithm with `verifier(issuer, audience)`, which returns a function from a token
 * to its claims. The tokens that it must refuse come beside one that differs in nothing else.
 */
export async function prove(verifier) {
  for (const test of JSON.parse(readFileSync(process.env.CASES, "utf8"))) {
    const verify = await verifier(test.issuer, test.audience);
    let claims;
    try {
      claims = await verify(test.good);
    } catch (error) {
      console.error(`${test.algorithm}: cannot: ${error.name}: ${error.message}`);
      continue;
    }
    if (claims.sub !== test.sub) throw new Error(JSON.stringify(claims));
    for (const [name, token] of Object.entries(test.refused)) {
      const accepted = await verify(token).catch(() => undefined);
      if (accepted) throw new Error(`${test.algorithm}: accepted ${name}: ${JSON.stringify(accepted)}`);
    }
    did(`${test.algorithm} ${test.keys}`);
  }
}
