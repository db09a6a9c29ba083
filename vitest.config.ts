import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/ad/**", "test/crash/**"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
