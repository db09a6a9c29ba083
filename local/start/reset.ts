/** Empties the folder of the local runtime. */
import { readdir, readFile, rm } from "node:fs/promises";
import { homeOf, pathsOf } from "./home.ts";
import { isRunning } from "./home-lock.ts";

/** The exit code; says on standard output or error what it did. Deletes only what bears a runtime's version mark. */
export async function resetHome(environment: NodeJS.ProcessEnv): Promise<number> {
  const home = homeOf(environment);
  const paths = pathsOf(home);
  const inside = await readdir(home).catch(() => []);
  if (inside.length === 0) {
    process.stdout.write(`${home} is empty already.\n`);
    return 0;
  }
  if ((await readFile(paths.version, "utf8").catch(() => undefined)) === undefined) {
    process.stderr.write(`${home} bears no mark of a local runtime; nothing was removed. Check UPLINK_HOME.\n`);
    return 1;
  }
  if (await isRunning(home, paths.lock)) {
    process.stderr.write(
      `A local runtime is running in ${home}. End it first (Ctrl-C where it runs); nothing was removed.\n`,
    );
    return 1;
  }
  // The mark goes last: what is interrupted half way can be taken up again.
  for (const name of inside.filter((one) => one !== "version"))
    await rm(`${home}/${name}`, { recursive: true, force: true });
  await rm(paths.version, { force: true });
  process.stdout.write(`Emptied ${home}: state, logs, keys, certificates and samples are gone.\n`);
  return 0;
}
