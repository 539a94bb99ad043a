import { openLine } from '@openline/client';
import type { Server } from './server.ts';

const line = openLine<Server>({ url: 'ws://localhost:4000/rpc' });
const api = line.client();
line.state.subscribe((state) => console.log(`The line is ${state.status}`));

console.log(await api.greet.query({ name: 'Ada' }));
for await (const left of api.countdown.subscribe(10)) console.log(left);
await line.close();
