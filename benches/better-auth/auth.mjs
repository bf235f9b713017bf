// better-auth with e-mail and password on Postgres, in a schema of its own that every run makes anew.
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import pg from 'pg';

const SCHEMA = 'better_auth';
const DAY = 24 * 60 * 60;

export async function connect(connectionString, connections) {
  const database = new pg.Pool({ connectionString, max: connections, options: `-c search_path=${SCHEMA}` });
  await database.query(`DROP SCHEMA IF EXISTS ${SCHEMA} CASCADE; CREATE SCHEMA ${SCHEMA}`);
  const { runMigrations } = await getMigrations(options(database, DAY));
  await runMigrations();
  return database;
}

// A session is written again when it is checked and older than `updateAge` seconds.
export function instance(database, updateAge) {
  return betterAuth(options(database, updateAge));
}

function options(database, updateAge) {
  return {
    database,
    baseURL: 'http://127.0.0.1:3000',
    secret: 'a-secret-of-the-bench-0123456789abcdef',
    emailAndPassword: { enabled: true },
    session: { expiresIn: 7 * DAY, updateAge, cookieCache: { enabled: false } },
    logger: { level: 'error' },
    telemetry: { enabled: false },
  };
}
