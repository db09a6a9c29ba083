import { defineConfig } from "vitest/config";

/** Kills at random moments, against a real Active Directory (Samba): they need root and minutes, so `npm test` leaves them out. */
export default defineConfig({
  test: {
    include: ["test/crash/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 180_000,
    // What one test finds is the next one's ground.
    bail: 1,
  },
});
