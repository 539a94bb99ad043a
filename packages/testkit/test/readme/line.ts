import { testLine } from '@openline/testkit';
import { orders, router } from './router.ts';

const { api, network, clock, close } = testLine({ router, context: { user: 'ada' } });

const call = api.pay.mutate('7');
await clock.advance(10); // It is on its way, and runs.
network.cut();
await clock.advance(1_000); // The line comes back.
console.log(await call, orders); // It ran once.
await close();
