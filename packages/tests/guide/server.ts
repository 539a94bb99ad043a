import { initTRPC } from '@trpc/server';
import { createServer } from '@openline/server';

const t = initTRPC.create();
const router = t.router({ hello: t.procedure.query(() => 'hello') });

const server = createServer({ router });
export type Server = typeof server;

await server.listen(3000); // ws://localhost:3000/rpc, on every address
