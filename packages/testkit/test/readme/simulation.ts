import { simulate } from '@openline/testkit';
import { orders, router } from './router.ts';

const { faults } = await simulate({
  router,
  context: { user: 'ada' },
  seeds: 200,
  async play({ api }) {
    orders.length = 0;
    await Promise.all(['7', '8', '9'].map((order) => api.pay.mutate(order)));
    if (orders.length !== 3) throw new Error(`${orders.length} of 3 orders were paid`);
  },
});
console.log(`${faults.get('cut')} connections were cut, and each order was paid once`);
