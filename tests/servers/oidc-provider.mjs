// The server of oidc-provider.sh: npm `oidc-provider`, in memory, and the control endpoints under /_test.
// Started by that script, which puts a copy of this file beside the installed package.
import { createHash, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import http from 'node:http';
import Provider, { errors } from 'oidc-provider';
import MemoryAdapter from 'oidc-provider/lib/adapters/memory_adapter.js';

const config = JSON.parse(process.env.OIDC); // the KEY=VALUE lines of the script, and PORT and TTL
const issuer = config.OIDC_ISSUER, TTL = Number(config.TTL), API_SCOPES = 'api:read api:write', MCP_SCOPES = 'notes:write';
const ROLES = { alice: ['admin', 'editor'], bob: ['viewer'] };
const RESOURCES = {
  [config.OIDC_RESOURCE]: 'RS256', [config.OIDC_RESOURCE_ES256]: 'ES256', [config.OIDC_RESOURCE_EDDSA]: 'EdDSA',
  [config.OIDC_RESOURCE_OPAQUE]: null, // an opaque token that has an audience
};
const isMcp = (resource) => /^http:\/\/127\.0\.0\.1:\d+\/mcp$/.test(resource); // examples/mcp, on any port
const redirect_uri = `${issuer}/_test/callback`; // nothing is there: the login below stops at it

// Two services whose users sign in here, as tests/browser_sign_in.rs has them.
const services = ['A', 'B'].map((name) => {
  const origin = config[`OIDC_SERVICE_${name}`];
  return {
    client_id: origin, client_secret: config.OIDC_CLIENT_SECRET, redirect_uris: [`${origin}/auth/callback`, `${origin}/accounts/oauth/op/callback`],
    grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
    post_logout_redirect_uris: [`${origin}/test/tab?name=out`], backchannel_logout_session_required: true,
    // Cookies of 127.0.0.1 are not those of localhost; for this it is the same.
    backchannel_logout_uri: `${origin.replace('localhost', '127.0.0.1')}/auth/backchannel-logout`,
  };
});

function newKeys() {
  const pairs = [['rsa', { modulusLength: 2048 }], ['ec', { namedCurve: 'P-256' }], ['ed25519']];
  return pairs.map(([type, options]) => ({
    ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig',
  }));
}
// What was issued must live through a key rotation, which builds a new Provider, and must not be pushed out by later
// tokens: the package's own storage is per Provider and keeps 1000 entries.
const store = {
  entries: new Map(),
  get(key) { const found = this.entries.get(key); return found && found.until > Date.now() ? found.value : undefined; },
  set(key, value, { maxAge = Infinity } = {}) { this.entries.set(key, { value, until: Date.now() + maxAge }); },
  delete(key) { this.entries.delete(key); },
};

function build(keys) {
  const provider = new Provider(issuer, {
    jwks: { keys },
    adapter: (model) => new MemoryAdapter(model, store),
    clients: [{
      client_id: config.OIDC_CLIENT_ID, client_secret: config.OIDC_CLIENT_SECRET, redirect_uris: [redirect_uri],
      grant_types: ['client_credentials', 'authorization_code', 'refresh_token'], response_types: ['code'],
    }, { // the resource server: it may only ask about tokens
      client_id: config.OIDC_INTROSPECT_CLIENT_ID, client_secret: config.OIDC_INTROSPECT_CLIENT_SECRET,
      redirect_uris: [], grant_types: [], response_types: [],
    }, ...services],
    scopes: ['openid', 'email', ...`${API_SCOPES} ${MCP_SCOPES}`.split(' ')],
    conformIdTokenClaims: false, // the address is in the ID token, as with Google and Keycloak
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    cookies: { keys: [randomUUID()] },
    pkce: { required: () => true },
    ttl: { AccessToken: TTL, ClientCredentials: TTL, IdToken: Math.max(TTL, 86400), RefreshToken: 86400, Session: 86400, Grant: 86400, Interaction: 60 },
    findAccount: (_ctx, sub) => ({
      accountId: sub, claims: () => ({ sub, email: `${sub}@example.com`, email_verified: true }),
    }),
    extraTokenClaims: (_ctx, token) => ({ roles: token.accountId ? ROLES[token.accountId] ?? [] : ['service'] }),
    issueRefreshToken: () => true,
    rotateRefreshToken: () => true,
    // Services are on loopback, where its own dispatcher does not connect to.
    fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
    interactions: { url: (_ctx, interaction) => `/_test/interaction/${interaction.uid}` },
    async loadExistingGrant(ctx) { // everybody has consented to everything
      const { client: { clientId }, session: { accountId }, provider: { Grant } } = ctx.oidc;
      // Two flows at once have one grant, or the second would end the code of the first.
      const isService = services.some(({ client_id }) => client_id === clientId), of = `${accountId} ${clientId}`;
      const known = isService && await Grant.find(store.get(`_grant ${of}`) ?? '');
      if (known) return known;
      const grant = new Grant({ clientId, accountId });
      grant.addOIDCScope(`openid email ${API_SCOPES}`);
      for (const resource of Object.keys(RESOURCES)) grant.addResourceScope(resource, API_SCOPES);
      const id = await grant.save();
      if (isService) store.set(`_grant ${of}`, id);
      return grant;
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { // nobody is there to confirm
        logoutSource(ctx, form) {
          ctx.body = `<!doctype html>${form}<script>const form = document.forms[0];
            form.append(Object.assign(document.createElement('input'), { name: 'logout', value: 'yes' })); form.submit();</script>`;
        },
      },
      clientCredentials: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      introspection: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: true, defaultResource: () => undefined, useGrantedResource: () => true,
        getResourceServerInfo(_ctx, resource) {
          if (isMcp(resource)) return { scope: MCP_SCOPES, audience: resource, accessTokenTTL: TTL, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } };
          if (!(resource in RESOURCES)) throw new errors.InvalidTarget();
          const alg = RESOURCES[resource], info = { scope: API_SCOPES, audience: resource, accessTokenTTL: TTL };
          return alg ? { ...info, accessTokenFormat: 'jwt', jwt: { sign: { alg } } } : { ...info, accessTokenFormat: 'opaque' };
        },
      },
    },
  });
  for (const event of ['server_error', 'backchannel.error', 'grant.error', 'authorization.error', 'introspection.error', 'revocation.error']) {
    provider.on(event, (_ctx, error) => console.error(event, event === 'server_error' ? error : `${error.message}: ${error.error_detail ?? error.error_description ?? error.cause ?? ''}`));
  }
  return { provider, answer: provider.callback() };
}

// A browser waits here until the page that opened the tab says go on, so that several flows are begun at once.
const PAGE = `<!doctype html><title>sign in</title><form method="post"></form><script>
  const sign_in = () => document.forms[0].submit();
  if (opener) { addEventListener('message', sign_in); opener.postMessage('at the provider', '*'); } else sign_in();</script>`;

const COUNTED = { '/jwks': 'jwks', '/.well-known/openid-configuration': 'discovery', '/token/introspection': 'introspection' };
const firstKeys = newKeys();
let keys, current, counts;
function use(newest, older = []) {
  keys = [...newest, ...older]; // of several keys that fit, the provider signs with the first
  current = build(keys);
  return { active: newest.map(({ kid }) => kid), published: keys.map(({ kid }) => kid) };
}
function reset() {
  counts = { jwks: 0, discovery: 0, introspection: 0 };
  store.entries.clear();
  return use(firstKeys);
}

// The authorization code flow with PKCE, over HTTP as a browser would walk it. Returns the answer of /token.
async function login({ user = 'alice', ...wanted }) { // wanted: resource and scope, both optional
  const verifier = randomBytes(32).toString('base64url'), jar = new Map();
  const code_challenge = createHash('sha256').update(verifier).digest('base64url');
  let url = `${issuer}/auth?${new URLSearchParams({
    client_id: config.OIDC_CLIENT_ID, response_type: 'code', redirect_uri, scope: `openid email ${API_SCOPES}`, login_hint: user,
    code_challenge, code_challenge_method: 'S256', ...wanted,
  })}`;
  for (let steps = 0; !url.startsWith(redirect_uri); steps += 1) {
    if (steps === 10) throw new Error(`the login does not end: ${url}`);
    const cookie = [...jar].map((pair) => pair.join('=')).join('; ');
    const page = await fetch(url, { redirect: 'manual', headers: { cookie } });
    for (const line of page.headers.getSetCookie()) jar.set(...line.split(';', 1)[0].split(/=(.*)/s, 2));
    if (!page.headers.has('location')) throw new Error(`${url}: ${page.status} ${await page.text()}`);
    url = new URL(page.headers.get('location'), url).href;
  }
  const answer = new URL(url).searchParams, code = answer.get('code');
  if (!code) throw new Error(`no code: ${answer}`);
  const token = await fetch(`${issuer}/token`, {
    method: 'POST', body: new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri, code_verifier: verifier }),
    headers: { authorization: `Basic ${btoa(`${config.OIDC_CLIENT_ID}:${config.OIDC_CLIENT_SECRET}`)}` },
  });
  if (!token.ok) throw new Error(`/token: ${token.status} ${await token.text()}`);
  return token.json();
}

const control = {
  'GET /_test/stats': () => counts,
  'POST /_test/reset': reset,
  'POST /_test/rotate': ({ old = 'keep' }) => {
    if (old !== 'keep' && old !== 'drop') throw new Error('old must be keep or drop');
    return use(newKeys(), old === 'keep' ? keys : []);
  },
  'POST /_test/login': login,
};
async function serve(request, response) {
  const url = new URL(request.url, issuer), action = control[`${request.method} ${url.pathname}`];
  const reply = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (action) {
    try { reply(200, await action(Object.fromEntries(url.searchParams))); } catch (error) { reply(400, { error: error.message }); }
  } else if (url.pathname.startsWith('/_test/interaction/')) {
    const { params } = await current.provider.interactionDetails(request, response);
    if (request.method === 'GET' && request.headers['sec-fetch-dest'] === 'document') {
      response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
      return;
    }
    // Who says nothing is alice, and nobody refuses.
    const { login_hint: user = 'alice' } = params;
    await current.provider.interactionFinished(request, response, user === 'nobody' ? { error: 'access_denied' } : { login: { accountId: user } });
  } else if (url.pathname.startsWith('/_test/')) {
    reply(404, { error: `not one of ${Object.keys(control)}` });
  } else {
    if (url.pathname in COUNTED) counts[COUNTED[url.pathname]] += 1;
    current.answer(request, response);
  }
}

reset();
http.createServer((request, response) => serve(request, response).catch((error) => {
  console.error(error);
  if (!response.headersSent) response.writeHead(500);
  response.end();
})).listen(Number(config.PORT), '127.0.0.1');
