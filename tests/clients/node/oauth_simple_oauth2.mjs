// Login, refresh when expired, and logout with simple-oauth2. It insists on a client secret; the service ignores it.

import { ResourceOwnerPassword } from "simple-oauth2";
import { ISSUER, PASSWORD, USERNAME, did, refused } from "./support.mjs";

const client = new ResourceOwnerPassword({
  client: { id: "example", secret: "none" },
  auth: { tokenHost: ISSUER, tokenPath: "/oauth/token", revokePath: "/oauth/revoke" },
  // Revocation answers without a body; the default mode insists on JSON.
  http: { json: true },
});

async function me(token) {
  // As an application does before each request.
  if (token.expired(30)) token = await token.refresh();
  const headers = { Authorization: `Bearer ${token.token.access_token}` };
  const answer = await fetch(new URL("/users/me", ISSUER), { headers });
  return { token, status: answer.status, ...(await answer.json()) };
}

const wrong = await refused(() => client.getToken({ username: USERNAME, password: "wrong" }));
if (wrong.data?.payload?.error !== "invalid_grant") throw wrong;
did("wrong password refused");
const first = await client.getToken({ username: USERNAME, password: PASSWORD });
if ((await me(first)).username !== USERNAME) throw new Error("another account");
did("log in");

// As after a quarter of an hour.
const expired = client.createToken({ ...first.token, expires_at: new Date(Date.now() - 1000) });
const { token, username } = await me(expired);
if (username !== USERNAME || token.token.refresh_token === first.token.refresh_token) throw new Error("not refreshed");
did("automatic refresh");

await token.revokeAll();
if ((await me(token)).status !== 401) throw new Error("still logged in");
const used = await refused(() => token.refresh());
if (used.data?.payload?.error !== "invalid_grant") throw used;
did("revoke");
