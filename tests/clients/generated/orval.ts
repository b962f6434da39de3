// A client from `orval --config orval.config.ts`: a function an operation, and zod's validators of each answer.

import * as api from "./orval/client.ts";
import * as valid from "./orval/validators.ts";
import { account, admin, did, expect, nobody, unauthenticated, weakAccount } from "./support.ts";

const as = (tokens: api.Tokens) => ({ headers: { Authorization: `Bearer ${tokens.access_token}` } });

async function grant(form: api.TokenForm): Promise<api.Tokens> {
  const answer = await api.token(form);
  // Typed by the status: tokens, or an OAuth error.
  if (answer.status !== 200) throw new Error(`${answer.data.error}: ${answer.data.error_description}`);
  return valid.tokenResponse.parse(answer.data);
}

const logIn = ({ username, password }: { username: string; password: string }) =>
  grant({ grant_type: "password", username, password });

const registered = await api.register(valid.registerBody.parse(account));
expect(registered.status === 201, registered.data);
did("register");

// What the validator does not know, the service refuses.
expect(!valid.registerBody.safeParse({ ...account, email: "no address" }).success, "an e-mail address is checked");
const weak = await api.register(weakAccount);
expect(weak.status === 422 && weak.data.errors?.[0]?.field === "password", weak.data);
did("422 with the field");

const stranger = await api.readMe();
expect(stranger.status === 401 && stranger.data.type === unauthenticated, stranger.data);
did("401");

const first = await logIn(account);
did("log in");
const tokens = await grant({ grant_type: "refresh_token", refresh_token: first.refresh_token });
expect(tokens.refresh_token !== first.refresh_token, tokens);
did("refresh");
const me = await api.readMe(as(tokens));
expect(valid.readMeResponse.parse(me.data).roles[0] === "user", me.data);
const sessions = await api.listMySessions(as(tokens));
expect(valid.listMySessionsResponse.parse(sessions.data).items.length === 1, sessions.data);
did("read the account");

const administrator = as(await logIn(admin));
const names: string[] = [];
let cursor: string | undefined;
do {
  const answer = await api.listUsers({ limit: 1, cursor }, administrator);
  const page = valid.listUsersResponse.parse(answer.data);
  names.push(...page.items.map((user) => user.username));
  cursor = page.next_cursor;
} while (cursor);
expect(names.includes(account.username) && new Set(names).size === names.length, names);
did("list all pages");

const missing = await api.readUser(nobody, administrator);
expect(missing.status === 404 && missing.data.title, missing.data);
did("404");

const out = await api.logout({}, as(tokens));
expect(out.status === 204 && (await api.readMe(as(tokens))).status === 401, out.data);
did("log out");
did("every answer valid");
