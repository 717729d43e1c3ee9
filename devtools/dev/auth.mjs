// Supabase Auth for `make dev`: the Auth of @supabase/lite on the local platform's Postgres, and
// nothing else of it. What it would mail goes to the mailbox by HTTP.
//
// Its settings are a line of JSON on standard input. It prints the port that it listens on, and
// ends when its standard input is closed: so it cannot outlive the command that started it.

import { AsyncLocalStorage } from "node:async_hooks";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";

import { App } from "@supabase/lite";
import { createPostgresConnection } from "@supabase/lite/postgres";

import { likeAuth } from "./like_auth.mjs";

const input = createInterface({ input: process.stdin });
const settings = JSON.parse(await new Promise((resolve) => input.once("line", resolve)));
input.on("close", () => process.exit(0));

const asked = new AsyncLocalStorage();

// Lite writes links to its own site; Auth writes them to itself, and leads on to where the app asks.
function withLinks(words) {
  const { site_url: site } = settings.auth;
  const { redirectTo } = asked.getStore() ?? {};
  const led = encodeURIComponent(redirectTo ?? site);
  return words
    .replaceAll(`${site}/auth/v1/`, `${settings.url}/auth/v1/`)
    .replaceAll(`redirect_to=${encodeURIComponent(site)}`, `redirect_to=${led}`);
}

const mailbox = {
  async send({ to, subject, text: plain, html }) {
    const mail = { to, subject, text: withLinks(plain), html: withLinks(html) };
    const answer = await fetch(settings.mailbox, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(mail),
    });
    if (!answer.ok) throw new Error(`the mailbox answers ${answer.status}`);
  },
};

function lite(user) {
  const options = { host: settings.socket_dir, user, database: "postgres", onnotice() {} };
  return new App({
    connection: createPostgresConnection({
      url: `postgres://${user}@localhost/postgres`,
      postgresOptions: options,
    }),
    auth: settings.auth,
    options: { drivers: { email: mailbox }, server: { apiKeys: false } },
  });
}

// Lite makes the tables that it misses, as whoever it is; Auth is no superuser. It also puts
// functions of its own in the place of auth.uid() and its like, which PostgREST's settings of today
// mean nothing to.
const superuser = lite("supabase_admin");
const sql = superuser.connection.driver;
const functions = await sql`
  select pg_get_functiondef(oid) as definition from pg_proc
  where pronamespace = 'auth'::regnamespace`;
await superuser.ensureSystemSchema();
await sql.unsafe(`
  ${functions.map(({ definition }) => `${definition};`).join("\n")}
  grant all on all tables in schema auth to supabase_auth_admin;
  alter table auth.users
    alter column instance_id set default '00000000-0000-0000-0000-000000000000'`);
await superuser.connection.close();

const app = lite("supabase_auth_admin");
const auth = likeAuth(app, settings);

const server = createServer(async (incoming, outgoing) => {
  const url = new URL(incoming.url, settings.url);
  const hasBody = !["GET", "HEAD"].includes(incoming.method);
  const request = new Request(url, {
    method: incoming.method,
    headers: Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
    ...(hasBody ? { body: await text(incoming) } : {}),
  });
  const redirectTo = url.searchParams.get("redirect_to");
  const response = await asked.run({ redirectTo }, () => auth(request));
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body) Readable.fromWeb(response.body).pipe(outgoing);
  else outgoing.end();
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
