// What the programs here share. `run.py` starts them with this environment.

const { ISSUER = "", ADMIN_PASSWORD = "", CLIENT_USERNAME = "", CLIENT_PASSWORD = "" } = process.env;

export const api = ISSUER;
export const admin = { username: "admin", password: ADMIN_PASSWORD };
export const account = {
  username: CLIENT_USERNAME,
  email: `${CLIENT_USERNAME}@example.com`,
  password: CLIENT_PASSWORD,
};
/** A registration with a common password. */
export const weakAccount = { username: "weak", email: "weak@example.com", password: "password" };
/** The type of the problem of a caller without a token. */
export const unauthenticated = `${ISSUER}/problems/unauthenticated`;
/** The id of an account that does not exist. */
export const nobody = "00000000-0000-7000-8000-000000000000";

/** Says what worked: the table in docs/clients.md is made of these lines. */
export function did(what: string): void {
  console.log(what);
}

export function expect(holds: unknown, otherwise: unknown): asserts holds {
  if (!holds) throw new Error(JSON.stringify(otherwise));
}
