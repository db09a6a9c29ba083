/**
 * `npm run test:ad`: the suites against a real Active Directory (Samba), with the arguments passed on to vitest.
 */
import { runWithDirectory } from "./with-directory.mjs";

await runWithDirectory("test:ad", "vitest.ad.config.ts", process.argv.slice(2));
