/**
 * The folder in which the local runtime keeps everything: state, logs, keys, certificates, samples.
 *
 * `.uplink` in the checkout unless UPLINK_HOME names another. A file in it says which version of the layout it has;
 * another version is refused rather than guessed at, because state of several processes would have to change together.
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const HOME_VERSION = 1;

/** The checkout: where `dist/` and `node_modules/` are. */
export const projectRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** An expected failure of the local runtime: said in words, without a stack. */
export class StartError extends Error {}

export interface HomePaths {
  readonly home: string;
  readonly version: string;
  readonly lock: string;
  /** Where everything can be reached; the `uplink` program reads it. */
  readonly runtime: string;
  readonly admin: string;
  readonly applications: string;
  readonly tls: string;
  readonly logs: string;
  readonly samples: string;
  readonly agents: string;
  readonly azurite: string;
  /** State of host and directory, in a folder each below it. */
  readonly host: string;
  readonly directory: string;
}

export function homeOf(environment: Readonly<Record<string, string | undefined>>): string {
  return resolve(environment["UPLINK_HOME"] || join(projectRoot, ".uplink"));
}

export function pathsOf(home: string): HomePaths {
  const at = (name: string) => join(home, name);
  return {
    home,
    version: at("version"),
    lock: at("lock.json"),
    runtime: at("runtime.json"),
    admin: at("admin.json"),
    applications: at("applications.json"),
    tls: at("tls"),
    logs: at("logs"),
    samples: at("samples"),
    agents: at("agents"),
    azurite: at("azurite"),
    host: at("host"),
    directory: at("tenant"),
  };
}

/** Makes the folder and marks its version. Throws `StartError` for another version, or a folder that isn't ours. */
export async function prepareHome(home: string): Promise<HomePaths> {
  const paths = pathsOf(home);
  const found = await readFile(paths.version, "utf8").catch(() => undefined);
  if (found === undefined) {
    const inside = await readdir(home).catch(() => []);
    if (inside.length > 0) {
      throw new StartError(
        `${home} holds files but no version of a local runtime, so it may be something else.\nSet UPLINK_HOME to an empty or new folder, or empty this one yourself.`,
      );
    }
  } else if (found.trim() !== String(HOME_VERSION)) {
    throw new StartError(
      `${home} was made by ${Number(found) > HOME_VERSION ? "a newer" : "an older"} version of this project (layout ${found.trim()}, this one uses ${HOME_VERSION}).\nEmpty it with npm run reset (the samples are made anew, your edits are lost), or set UPLINK_HOME to another folder.`,
    );
  }
  try {
    await mkdir(home, { recursive: true, mode: 0o700 });
    for (const folder of [paths.logs, paths.agents, paths.azurite]) await mkdir(folder, { recursive: true });
    await writeFile(paths.version, `${HOME_VERSION}\n`);
  } catch (error) {
    throw new StartError(
      `Cannot write to ${home}: ${error instanceof Error ? error.message : String(error)}.\nMake it writable, or set UPLINK_HOME to another folder.`,
    );
  }
  return paths;
}
