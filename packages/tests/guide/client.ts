import { openLine } from '@openline/client';
import type { Server } from './server.ts';

const line = openLine<Server>(); // in a browser: the page's own /rpc
export const api = line.client();

await api.hello.query();
