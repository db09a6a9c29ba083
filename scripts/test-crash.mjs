/**
 * `npm run test:crash`: kills host and agents at random moments of a sync of a real Active Directory (Samba), ten times;
 * `npm run test:crash -- --full` fifty times. UPLINK_TEST_SEED draws the same plan again, UPLINK_TEST_KILLS says how many
 * kills; other arguments go to vitest.
 */
import { runWithDirectory } from "./with-directory.mjs";

const FULL = "--full";
const args = process.argv.slice(2);
if (args.includes(FULL)) process.env.UPLINK_TEST_KILLS ??= "50";
await runWithDirectory(
  "test:crash",
  "vitest.crash.config.ts",
  args.filter((arg) => arg !== FULL),
);
