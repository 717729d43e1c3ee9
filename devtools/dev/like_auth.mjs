// Where @supabase/lite answers otherwise than Supabase Auth, and our tables or the course app can
// tell: here it is made to answer like Auth. https://github.com/supabase/auth
//
// - An account that a first code was sent to is unconfirmed until the code comes back. Lite
//   confirms it at once: whoever types an address would own what was bought with it.
// - A code is verified by the type `email`, whichever letter it came in. Lite does not know it.
// - The token says `aal`, `app_metadata` and more. Lite's says neither who is staff, nor how they
//   signed in.
//
// Lite has no second factor at all. Accounts in `second_factor` count as signed in with one.

import { createHmac, randomBytes } from "node:crypto";

const PREFIX = "/auth/v1";

// Lite has its driver leave JSON as text.
const parsed = (json) => (typeof json === "string" ? JSON.parse(json) : json) ?? {};

export function likeAuth(app, settings) {
  const sql = app.connection.driver;

  async function userBy(column, value) {
    const [user] = await sql`
      select id, email, email_confirmed_at, raw_app_meta_data, raw_user_meta_data
      from auth.users where ${sql(column)} = ${value} and deleted_at is null`;
    return user;
  }

  const ask = (request, body, path) => {
    const url = path ? new URL(`${PREFIX}${path}`, request.url) : request.url;
    const given = body === undefined ? {} : { body: JSON.stringify(body) };
    return app.fetch(new Request(url, { method: request.method, headers: request.headers, ...given }));
  };

  // https://github.com/supabase/auth/blob/master/internal/api/magic_link.go
  async function otp(request, body) {
    const isNew = body.email && !(await userBy("email", String(body.email).toLowerCase()));
    if (!isNew || body.create_user === false) return ask(request, body);
    const password = randomBytes(24).toString("base64url");
    const { email, data } = body;
    const signedUp = await ask(request, { email, password, data: data ?? {} }, "/signup");
    return signedUp.ok ? Response.json({}) : signedUp;
  }

  // https://github.com/supabase/auth/blob/master/internal/api/verify.go
  async function verify(request, body) {
    if (body.type !== "email") return ask(request, body);
    const user = body.email && (await userBy("email", String(body.email).toLowerCase()));
    const isWaiting = body.token_hash || (user && !user.email_confirmed_at);
    const first = isWaiting ? await ask(request, { ...body, type: "signup" }) : null;
    return first?.ok ? first : ask(request, { ...body, type: "magiclink" });
  }

  async function token(given) {
    const claims = JSON.parse(Buffer.from(given.split(".")[1], "base64url"));
    const user = await userBy("id", claims.sub);
    const aal = settings.second_factor.includes(user.email) ? "aal2" : "aal1";
    return sign({
      ...claims,
      iss: `${settings.url}${PREFIX}`,
      aal,
      amr: [{ method: "otp", timestamp: claims.iat }],
      app_metadata: parsed(user.raw_app_meta_data),
      user_metadata: parsed(user.raw_user_meta_data),
      is_anonymous: false,
    });
  }

  function sign(claims) {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
    const signature = createHmac("sha256", settings.auth.jwt_secret).update(signed);
    return `${signed}.${signature.digest("base64url")}`;
  }

  async function withOurToken(response) {
    const headers = new Headers(response.headers);
    const [page, fragment] = (headers.get("location") ?? "").split("#");
    const led = new URLSearchParams(fragment);
    if (led.has("access_token")) {
      led.set("access_token", await token(led.get("access_token")));
      headers.set("location", `${page}#${led}`);
      return new Response(null, { status: response.status, headers });
    }
    if (!headers.get("content-type")?.startsWith("application/json")) return response;
    const body = await response.json();
    if (!body?.access_token) return Response.json(body, { status: response.status, headers });
    headers.delete("content-length");
    const answered = { ...body, access_token: await token(body.access_token) };
    return Response.json(answered, { status: response.status, headers });
  }

  const ours = { [`POST ${PREFIX}/otp`]: otp, [`POST ${PREFIX}/verify`]: verify };

  return async (request) => {
    const answer = ours[`${request.method} ${new URL(request.url).pathname}`];
    const words = request.body ? await request.text() : "";
    let body;
    try {
      body = words ? JSON.parse(words) : {};
    } catch {
      return Response.json({ code: 400, error_code: "bad_json", msg: "not JSON" }, { status: 400 });
    }
    const given = new Request(request.url, { method: request.method, headers: request.headers });
    const response = await (answer ? answer(given, body) : ask(given, words ? body : undefined));
    return withOurToken(response);
  };
}
