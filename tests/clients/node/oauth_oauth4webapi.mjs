// Login, refresh and logout with oauth4webapi.

import * as oauth from "oauth4webapi";
import { ISSUER, PASSWORD, USERNAME, did, refused } from "./support.mjs";

const issuer = new URL(ISSUER);
const found = await oauth.discoveryRequest(issuer, { algorithm: "oauth2" });
const server = await oauth.processDiscoveryResponse(issuer, found);
did("discovery");

const client = { client_id: "example" };
const none = oauth.None();

async function logIn(password) {
  const parameters = { username: USERNAME, password };
  const answer = await oauth.genericTokenEndpointRequest(server, client, none, "password", parameters);
  return oauth.processGenericTokenEndpointResponse(server, client, answer);
}

async function refresh({ refresh_token }) {
  const answer = await oauth.refreshTokenGrantRequest(server, client, none, refresh_token);
  return oauth.processRefreshTokenResponse(server, client, answer);
}

async function me({ access_token }) {
  const answer = await oauth.protectedResourceRequest(access_token, "GET", new URL("/users/me", issuer));
  return answer.json();
}

const wrong = await refused(() => logIn("wrong"));
if (wrong.error !== "invalid_grant") throw wrong;
did("wrong password refused");
const first = await logIn(PASSWORD);
if ((await me(first)).username !== USERNAME) throw new Error("another account");
did("log in");
const second = await refresh(first);
if ((await me(second)).username !== USERNAME) throw new Error("another account");
did("refresh");

await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, none, second.refresh_token));
const ended = await refused(() => me(second));
if (!(ended instanceof oauth.WWWAuthenticateChallengeError)) throw ended;
const used = await refused(() => refresh(second));
if (used.error !== "invalid_grant") throw used;
did("revoke");
