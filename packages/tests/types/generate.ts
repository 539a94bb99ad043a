import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const ROUTERS = 25;
const PROCEDURES_PER_ROUTER = 20;
const KINDS = ['query', 'mutation', 'subscription'] as const;

/** The same use of the same router, once through each link. */
export const USES = ['stock', 'openline'] as const;
export type Use = (typeof USES)[number];

/** How each gets the client whose calls are checked. */
const CLIENTS: Readonly<Record<Use, string>> = {
  stock: `import { createTRPCClient, createWSClient, wsLink } from '@trpc/client';
import type { AppRouter } from './router.ts';

const client = createWSClient({ url: 'ws://localhost:3000/rpc' });
const api = createTRPCClient<AppRouter>({ links: [wsLink({ client })] });
`,
  openline: `import { openLine } from '@openline/client';
import { createServer } from '@openline/server';
import { appRouter } from './router.ts';

const server = createServer({ router: appRouter });
const api = openLine<typeof server>({ url: 'ws://localhost:3000/rpc' }).client();
`,
};

/** Writes a router of 500 procedures, and for each use a file and its `tsconfig`, into the folder. */
export async function generate(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'router.ts'), router());
  for (const use of USES) {
    await writeFile(join(folder, `${use}.ts`), `${CLIENTS[use]}\n${calls()}`);
    await writeFile(join(folder, `tsconfig.${use}.json`), tsconfig(use));
  }
}

function router(): string {
  const routers = range(ROUTERS).map(
    (at) =>
      `  router${at}: t.router({\n${range(PROCEDURES_PER_ROUTER).map(procedure).join('')}  }),\n`,
  );
  return `import { initTRPC } from '@trpc/server';
import { z } from 'zod';

const t = initTRPC.create();

export const appRouter = t.router({
${routers.join('')}});

export type AppRouter = typeof appRouter;
`;
}

function procedure(at: number): string {
  const kind = kindOf(at);
  const input = `z.object({ id: z.string(), field${at}: z.number(), tags: z.array(z.string()).optional() })`;
  const output = `{ id: input.id, doubled${at}: input.field${at} * 2, tags: input.tags ?? [] }`;
  const resolver =
    kind === 'subscription'
      ? `async function* ({ input }) { yield ${output}; }`
      : `({ input }) => (${output})`;
  return `    procedure${at}: t.procedure.input(${input}).${kind}(${resolver}),\n`;
}

/** Calls one procedure in ten, as a page of an application of this size may. */
function calls(): string {
  return range(ROUTERS * PROCEDURES_PER_ROUTER)
    .filter((at) => at % 10 === at % 3)
    .map(call)
    .join('');
}

function call(total: number): string {
  const at = total % PROCEDURES_PER_ROUTER;
  const path = `api.router${Math.floor(total / PROCEDURES_PER_ROUTER)}.procedure${at}`;
  const input = `{ id: 'one', field${at}: 1 }`;
  const kind = kindOf(at);
  if (kind === 'subscription') {
    return `${path}.subscribe(${input}, { onData: ({ doubled${at} }) => doubled${at}.toFixed() });\n`;
  }
  const method = kind === 'query' ? 'query' : 'mutate';
  return `export const result${total}: number = (await ${path}.${method}(${input})).doubled${at};\n`;
}

function tsconfig(use: Use): string {
  const compilerOptions = {
    target: 'ES2022',
    module: 'NodeNext',
    lib: ['ES2022', 'DOM'],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    noEmit: true,
    allowImportingTsExtensions: true,
  };
  return JSON.stringify({ compilerOptions, files: [`${use}.ts`] });
}

function kindOf(at: number): (typeof KINDS)[number] {
  return KINDS[at % KINDS.length] ?? 'query';
}

function range(length: number): readonly number[] {
  return Array.from({ length }, (_, at) => at);
}
