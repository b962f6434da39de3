// A client from `openapi-ts -i openapi.json -o hey-api`: a function an operation, over fetch.

import { client } from "./hey-api/client.gen.ts";
import { listUsers, logout, readMe, readUser, register, token } from "./hey-api/sdk.gen.ts";
import type { TokenFormWritable, Tokens } from "./hey-api/types.gen.ts";
import { account, admin, api, did, expect, nobody, unauthenticated, weakAccount } from "./support.ts";

let tokens: Tokens | undefined;
client.setConfig({ baseUrl: api, auth: () => tokens?.access_token });

async function grant(body: TokenFormWritable): Promise<Tokens> {
  const { data, error } = await token({ body });
  // Typed: an OAuth error.
  if (!data) throw new Error(`${error?.error}: ${error?.error_description}`);
  return data;
}

const logIn = ({ username, password }: { username: string; password: string }) =>
  grant({ grant_type: "password", username, password });

const registered = await register({ body: account });
expect(registered.data?.username === account.username, registered.error);
did("register");

const weak = await register({ body: weakAccount });
// Typed: a problem, with the fields that break a rule.
expect(weak.response?.status === 422 && weak.error?.errors?.[0]?.field === "password", weak.error);
did("422 with the field");

const stranger = await readMe();
expect(stranger.response?.status === 401 && stranger.error?.type === unauthenticated, stranger.error);
did("401");

const first = await logIn(account);
did("log in");
const second = await grant({ grant_type: "refresh_token", refresh_token: first.refresh_token });
expect(second.refresh_token !== first.refresh_token, second);
tokens = second;
did("refresh");
const me = await readMe();
expect(me.data?.roles[0] === "user", me.error);
did("read the account");

tokens = await logIn(admin);
const names: string[] = [];
let cursor: string | undefined;
do {
  const page = await listUsers({ query: { limit: 1, cursor } });
  expect(page.data, page.error);
  names.push(...page.data.items.map((user) => user.username));
  cursor = page.data.next_cursor;
} while (cursor);
expect(names.includes(account.username) && new Set(names).size === names.length, names);
did("list all pages");

const missing = await readUser({ path: { id: nobody } });
expect(missing.response?.status === 404 && missing.error?.title, missing.error);
did("404");

tokens = second;
const out = await logout({ body: {} });
expect(out.response?.status === 204 && (await readMe()).response?.status === 401, out.error);
did("log out");
