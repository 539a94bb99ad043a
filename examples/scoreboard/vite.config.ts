import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react()],
  // `dev` serves the page from here and leaves the calls to the server.
  build: { chunkSizeWarningLimit: 600 }, // React alone is 200 kB.
  server: { proxy: { '/rpc': { target: 'ws://localhost:3000', ws: true } } },
});
