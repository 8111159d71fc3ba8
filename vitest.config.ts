/** Three kinds of tests: `unit` (Node), `ui` (components in happy-dom), `oracle` (against the installed qemu-img). */
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          environment: 'node',
          // Far above what any test needs: a busy machine must not decide a verdict.
          testTimeout: 60_000,
          include: ['src/**/*.test.ts'],
          exclude: ['src/**/*.oracle.test.ts'],
        },
      },
      {
        plugins: [react()],
        test: {
          name: 'ui',
          environment: 'happy-dom',
          testTimeout: 60_000,
          include: ['src/**/*.test.tsx'],
          setupFiles: ['src/testing/ui-setup.ts'],
        },
      },
      {
        test: {
          name: 'oracle',
          environment: 'node',
          include: ['src/**/*.oracle.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
