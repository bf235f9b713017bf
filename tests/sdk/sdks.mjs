// What published SDKs say to tokens. Reads lines `{"sdk", "token"}` after a first line with the keys and settings, and answers
// each with `{"principal": {..}}` or `{"refused": why}`. The SDKs have the keys from here and fetch nothing.
import { verifyToken } from '@clerk/backend';
import { signedInAuthObject } from '@clerk/backend/internal';
import { CognitoJwtVerifier } from 'aws-jwt-verify';
import { OAuth2Client } from 'google-auth-library';
import { createLocalJWKSet } from 'jose';
import { createInterface } from 'node:readline';
import stytch from 'stytch';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { jwks, pem, pool, project, client, origin } = JSON.parse((await lines.next()).value);

const cognito = tokenUse => {
  const verifier = CognitoJwtVerifier.create({ userPoolId: pool, clientId: client, tokenUse });
  verifier.cacheJwks(jwks);
  return async token => {
    const claims = await verifier.verify(token);
    return { subject: claims.sub, session: claims.origin_jti, roles: claims['cognito:groups'] };
  };
};

const consumers = new stytch.Client({ project_id: project, secret: 'none' });
const members = new stytch.B2BClient({ project_id: project, secret: 'none' });
consumers.sessions.jwksClient = members.sessions.jwksClient = createLocalJWKSet(jwks);

const google = new OAuth2Client();
const issuers = ['accounts.google.com', 'https://accounts.google.com'];

const clerk = settings => async token => {
  const claims = await verifyToken(token, { jwtKey: pem, ...settings });
  const auth = signedInAuthObject({}, token, claims);
  return {
    subject: auth.userId,
    session: auth.sessionId,
    organization: auth.orgId,
    roles: auth.orgRole ? [auth.orgRole] : [],
    permissions: auth.orgPermissions,
  };
};

const sdks = {
  clerk: clerk({ authorizedParties: [origin] }),
  'clerk, any page': clerk({}),
  'cognito access': cognito('access'),
  'cognito id': cognito('id'),
  google: async token => {
    const ticket = await google.verifySignedJwtWithCertsAsync(token, { 1: pem }, [client], issuers);
    const claims = ticket.getPayload();
    return { subject: claims.sub, organization: claims.hd };
  },
  stytch: async token => {
    const session = await consumers.sessions.authenticateJwtLocal({ session_jwt: token });
    return { subject: session.user_id, session: session.session_id, roles: session.roles };
  },
  'stytch b2b': async token => {
    const session = await members.sessions.authenticateJwtLocal({ session_jwt: token });
    const { member_id: subject, member_session_id, organization_id: organization, roles } = session;
    return { subject, session: member_session_id, organization, roles };
  },
};

for await (const line of lines) {
  const { sdk, token } = JSON.parse(line);
  let answer;
  try {
    answer = { principal: await sdks[sdk](token) };
  } catch (error) {
    answer = { refused: String(error?.cause?.message ?? error?.message ?? error) };
  }
  console.log(JSON.stringify(answer));
}
