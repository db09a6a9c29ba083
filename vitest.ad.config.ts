import { defineConfig } from "vitest/config";

/** The tests against a real Active Directory (Samba): they need root, so `npm test` leaves them out. */
export default defineConfig({
  test: {
    include: ["test/ad/**/*.test.ts"],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // A domain controller has fixed ports, and the machine has few cores.
    fileParallelism: false,
  },
});
