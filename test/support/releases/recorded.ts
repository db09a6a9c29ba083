/** The releases that tests are run against: all that are recorded, and none is a failure. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type RecordedExecution,
  type Release,
  readHistories,
  readRelease,
  releaseNames,
} from "../../../local/releases/release-files.ts";

const histories = fileURLToPath(new URL("../../fixtures/histories", import.meta.url));
const folder = fileURLToPath(new URL("../../fixtures/releases", import.meta.url));

/** Throws when there is none: a suite over nothing would be green. */
export async function recordedReleases(): Promise<readonly Release[]> {
  const names = await releaseNames(folder);
  if (names.length === 0)
    throw new Error(`No release is recorded in ${folder}. Record one: npm run release:record -- <version>.`);
  return Promise.all(names.map((name) => readRelease(join(folder, name))));
}

export interface RecordedHistories {
  /** Since which release: the folder's name. */
  readonly name: string;
  readonly executions: readonly RecordedExecution[];
}

/** The orchestrations of code that came after a release, and is none yet. */
export async function recordedSince(): Promise<readonly RecordedHistories[]> {
  const names = await releaseNames(histories);
  return Promise.all(names.map(async (name) => ({ name, executions: await readHistories(join(histories, name)) })));
}
