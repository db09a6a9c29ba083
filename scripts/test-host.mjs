// `npm run test:host`: the sample app on the real Functions host, compared with the local one. Says "skipped: …" and
// ends with 0 where the real host can't be had. Arguments are passed on (`--app dist/main.cjs`).

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const result = spawnSync(
  process.execPath,
  ["--import", "tsx", "local/real-host/compare.ts", ...process.argv.slice(2)],
  { cwd: root, stdio: "inherit" },
);
process.exitCode = result.status ?? 1;
