/**
 * `npm start`: builds, then hands over to `local/start/main.ts` in this same process, so that Ctrl-C has one process
 * to reach and not a chain of them.
 */
import { register } from "tsx/esm/api";
import { buildAll } from "./build.mjs";

try {
  await buildAll();
} catch (error) {
  if (error.errors === undefined) process.stderr.write(`${error.message}\n`);
  process.stderr.write("The build failed; nothing was started.\n");
  process.exit(1);
}
register();
const { main } = await import("../local/start/main.ts");
await main(process.argv.slice(2));
