// The service's published keys, for libraries that do not fetch them themselves.

// JWKS_MAX_AGE of the service: a new key is published longer than that before it signs.
const MAX_AGE = 300_000;
// Unknown keys are anybody's to invent.
const PAUSE = 10_000;

export function publishedKeys(issuer) {
  let keys = new Map();
  let fetched = -Infinity;
  return async (kid) => {
    const age = performance.now() - fetched;
    if (age >= MAX_AGE || (!keys.has(kid) && age >= PAUSE)) {
      const answer = await fetch(`${issuer}/.well-known/jwks.json`);
      if (!answer.ok) throw new Error(`the keys cannot be fetched: ${answer.status}`);
      keys = new Map((await answer.json()).keys.map((key) => [key.kid, key]));
      fetched = performance.now();
    }
    if (!keys.has(kid)) throw new Error("unknown key");
    return keys.get(kid);
  };
}
