// A client from `openapi-typescript openapi.json -o openapi-fetch/schema.d.ts`: types alone, used by openapi-fetch.

import createClient from "openapi-fetch";
import type { components, paths } from "./openapi-fetch/schema.d.ts";
import { account, admin, api, did, expect, nobody, unauthenticated, weakAccount } from "./support.ts";

type Tokens = components["schemas"]["Tokens"];

const client = createClient<paths>({ baseUrl: api });

let tokens: Tokens | undefined;
client.use({
  onRequest({ request }) {
    if (tokens) request.headers.set("Authorization", `Bearer ${tokens.access_token}`);
  },
});

async function grant(body: components["schemas"]["TokenForm"]): Promise<Tokens> {
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  const { data, error } = await client.POST("/oauth/token", { body, headers });
  // Typed: an OAuth error.
  if (!data) throw new Error(`${error.error}: ${error.error_description}`);
  return data;
}

const logIn = ({ username, password }: { username: string; password: string }) =>
  grant({ grant_type: "password", username, password });

const registered = await client.POST("/register", { body: account });
expect(registered.data?.username === account.username, registered);
did("register");

const weak = await client.POST("/register", { body: weakAccount });
// Typed: a problem, with the fields that break a rule.
expect(weak.response.status === 422 && weak.error?.errors?.[0]?.field === "password", weak.error);
did("422 with the field");

const stranger = await client.GET("/users/me");
expect(stranger.response.status === 401 && stranger.error?.type === unauthenticated, stranger.error);
did("401");

const first = await logIn(account);
did("log in");
const second = await grant({ grant_type: "refresh_token", refresh_token: first.refresh_token });
expect(second.refresh_token !== first.refresh_token, second);
tokens = second;
did("refresh");
const me = await client.GET("/users/me");
expect(me.data?.roles[0] === "user", me.error);
did("read the account");

tokens = await logIn(admin);
const names: string[] = [];
let cursor: string | undefined;
do {
  const page = await client.GET("/admin/users", { params: { query: { limit: 1, cursor } } });
  expect(page.data, page.error);
  names.push(...page.data.items.map((user) => user.username));
  cursor = page.data.next_cursor;
} while (cursor);
expect(names.includes(account.username) && new Set(names).size === names.length, names);
did("list all pages");

const missing = await client.GET("/admin/users/{id}", { params: { path: { id: nobody } } });
expect(missing.response.status === 404 && missing.error?.title, missing.error);
did("404");

tokens = second;
const out = await client.POST("/logout", { body: {} });
expect(out.response.status === 204 && (await client.GET("/users/me")).response.status === 401, out.error);
did("log out");
