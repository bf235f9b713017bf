// What better-auth takes for a sign-in and for a session check, called in this process without HTTP and without its router,
// so without its rate limits and its check of the origin.
//   DATABASE_URL=postgres://… npm run --silent bench     prints a line of JSON for each operation and number of calls at a time
// Env: SIGN_INS and CHECKS (calls of each kind), CONCURRENCY (calls at a time beside one at a time), CONNECTIONS (of the pool).
//
//   password          verifying a password against a hash, with the default parameters (scrypt, N=16384, r=16, p=1)
//   sign-in           that, reading the user and writing a session
//   session check     reading a session and its user by the session cookie; the cookie cache is off
//   session renewal   the same where the session is written again at every check (`updateAge` of 0)
//
// better-auth has no refresh tokens. The renewal is the nearest to a refresh: one write that prolongs the session. It does
// not rotate anything, so it does less than a refresh does.
import { createRequire } from 'node:module';
import { connect, instance } from './auth.mjs';

const setting = (name, otherwise) => Number(process.env[name] ?? otherwise);
const signIns = setting('SIGN_INS', 200);
const checks = setting('CHECKS', 5000);
const concurrency = setting('CONCURRENCY', 16);
const connections = setting('CONNECTIONS', 16);
const by = `better-auth ${createRequire(import.meta.url)('./package.json').dependencies['better-auth']}`;

const DAY = 24 * 60 * 60;
const database = await connect(process.env.DATABASE_URL, connections);
const auth = instance(database, DAY);
const renewing = instance(database, 0);
const body = { email: 'alice@example.com', password: 'correct horse battery staple' };
const cookies = [];

async function signIn() {
  const { headers } = await auth.api.signInEmail({ body, returnHeaders: true });
  cookies.push(new Headers({ cookie: headers.getSetCookie().map((cookie) => cookie.split(';')[0]).join('; ') }));
}

async function check(instance, index) {
  const found = await instance.api.getSession({ headers: cookies[index % cookies.length] });
  if (found?.user.email !== body.email) throw new Error('the session was not found');
}

async function measure(operation, calls, atOnce, call) {
  await repeat(Math.ceil(calls / 10), atOnce, call);
  const times = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  await repeat(calls, atOnce, async (index) => {
    const began = performance.now();
    await call(index);
    times.push(performance.now() - began);
  });
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  times.sort((a, b) => a - b);
  const microseconds = (part) => Math.round(times[Math.floor(part * (times.length - 1))] * 1000);
  console.log(JSON.stringify({
    operation,
    by,
    calls,
    at_once: atOnce,
    median_us: microseconds(0.5),
    p99_us: microseconds(0.99),
    cpu_us: Math.round((user + system) / calls), // of this process, its hashing threads included, Postgres not
    per_second: Math.round(calls / seconds),
  }));
}

async function repeat(calls, atOnce, call) {
  let next = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (next < calls) await call(next++);
  }));
}

await auth.api.signUpEmail({ body: { ...body, name: 'Alice' } });
const { password } = await auth.$context;
const hash = await password.hash(body.password);
for (const atOnce of new Set([1, concurrency])) {
  await measure('password', signIns, atOnce, () => password.verify({ hash, password: body.password }));
  await measure('sign-in', signIns, atOnce, signIn);
  await measure('session check', checks, atOnce, (index) => check(auth, index));
  await measure('session renewal', checks, atOnce, (index) => check(renewing, index));
}
await database.end();
