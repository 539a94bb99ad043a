import { openLine } from '@openline/client';
import { createServer } from '@openline/server';
import type { Router } from '../router.ts';
import { router, type RouterWithUpload } from '../router-upload.ts';
import { openlineStreams } from './openline-talk.ts';
import type { StreamSystem } from './system.ts';

/** Openline: its server as `createServer` makes it, and `line.client()` as its own client. */
export const system: StreamSystem = {
  serve: () => createServer({ router }).listen(),
  lean: openlineStreams,
  async connect(url, Socket) {
    const line = openLine({ url, WebSocket: Socket });
    await line.open();
    const { upload } = line.client<RouterWithUpload>();
    return {
      api: line.client<Router>(),
      upload: (bytes, items) => upload.mutate({ bytes, items }),
      close: () => line.close(),
    };
  },
};
