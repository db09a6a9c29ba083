import { defineConfig } from "vitest/config";

/** The tests against a real Active Directory (Samba): they need root, so `npm test` leaves them out. */
export default defineConfig({
  test: {
    include: ["test/ad/**/*.test.ts"],
    testTimeout: 240_000,
    hookTimeout: 300_000,
    // A domain controller has fixed ports, so each file has loopback addresses of its own; much of the time goes by waiting.
    maxWorkers: 2,
  },
});
