/** The releases that tests are run against: all that are recorded, and none is a failure. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Release, readRelease, releaseNames } from "../../../local/releases/release-files.ts";

const folder = fileURLToPath(new URL("../../fixtures/releases", import.meta.url));

/** Throws when there is none: a suite over nothing would be green. */
export async function recordedReleases(): Promise<readonly Release[]> {
  const names = await releaseNames(folder);
  if (names.length === 0)
    throw new Error(`No release is recorded in ${folder}. Record one: npm run release:record -- <version>.`);
  return Promise.all(names.map((name) => readRelease(join(folder, name))));
}
