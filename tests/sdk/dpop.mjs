// Proofs of the package `dpop`, and what `oauth4webapi` says to requests with proofs. After a first line with the issuer's keys it
// reads lines and answers each:
// `{"key": algorithm}` with `{"thumbprint"}`, `{"prove": algorithm, method, address, token}` with `{"proof"}`, and
// `{method, address, headers}` with `{"subject"}` or `{"refused": why}`.
import { calculateThumbprint, generateKeyPair, generateProof } from 'dpop';
import { customFetch, validateJwtAccessToken } from 'oauth4webapi';
import { createInterface } from 'node:readline';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { issuer, audience, jwks } = JSON.parse((await lines.next()).value);
const server = { issuer, jwks_uri: `${issuer}/jwks` };
const options = { [customFetch]: async () => Response.json(jwks) };
const keys = {};

const answer = async ({ key, prove, method, address, token, headers }) => {
  if (key) return { thumbprint: await calculateThumbprint((keys[key] = await generateKeyPair(key)).publicKey) };
  if (prove) return { proof: await generateProof(keys[prove], address, method, undefined, token) };
  const claims = await validateJwtAccessToken(server, new Request(address, { method, headers }), audience, options);
  return { subject: claims.sub };
};

for await (const line of lines) {
  const said = await answer(JSON.parse(line)).catch(error => ({ refused: String(error?.message ?? error) }));
  console.log(JSON.stringify(said));
}
