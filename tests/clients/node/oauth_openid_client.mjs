// Login, refresh and logout with openid-client.

import * as client from "openid-client";
import { ISSUER, PASSWORD, USERNAME, did, refused } from "./support.mjs";

const config = await client.discovery(new URL(ISSUER), "example", undefined, client.None(), { algorithm: "oauth2" });
did("discovery");

const logIn = (password) => client.genericGrantRequest(config, "password", { username: USERNAME, password });
const me = async ({ access_token }) =>
  (await client.fetchProtectedResource(config, access_token, new URL("/users/me", ISSUER), "GET")).json();

const wrong = await refused(() => logIn("wrong"));
if (wrong.error !== "invalid_grant") throw wrong;
did("wrong password refused");
const first = await logIn(PASSWORD);
if ((await me(first)).username !== USERNAME) throw new Error("another account");
did("log in");
const second = await client.refreshTokenGrant(config, first.refresh_token);
if ((await me(second)).username !== USERNAME || !(second.expiresIn() > 0)) throw new Error("another account");
did("refresh");

await client.tokenRevocation(config, second.refresh_token);
const ended = await refused(() => me(second));
if (ended.status !== 401) throw ended;
const used = await refused(() => client.refreshTokenGrant(config, second.refresh_token));
if (used.error !== "invalid_grant") throw used;
did("revoke");
