/**
 * The two sample forests: two companies whose directories know nothing of each other and go into one tenant.
 *
 * Written once, as LDIF that its owner may edit; a file that is there is never touched. One person lives in both.
 */
import { access, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ForestPlan, forestEntries } from "./forest.ts";
import { ldifOf } from "./ldif-text.ts";

export interface SampleForest {
  /** What the configuration, its agent and the screen call it. */
  readonly name: string;
  readonly plan: ForestPlan;
}

const IN_BOTH = { given: "Maya", family: "Lindqvist", consistencyGuid: "0b5f6a52-6c1d-4a7e-8f4b-5d2e8c9a1f37" };

export const SAMPLE_FORESTS: readonly SampleForest[] = [
  {
    name: "contoso-hq",
    plan: {
      fqdn: "contoso.example",
      netBios: "CONTOSO",
      company: "Contoso",
      people: 150,
      offset: 0,
      alsoElsewhere: IN_BOTH,
      unverifiedSuffix: "contoso.local",
    },
  },
  {
    name: "fabrikam",
    plan: {
      fqdn: "fabrikam.example",
      netBios: "FABRIKAM",
      company: "Fabrikam",
      people: 60,
      offset: 11,
      alsoElsewhere: IN_BOTH,
    },
  },
];

/** The text of a forest's export, the same each time. */
export function sampleLdif(forest: SampleForest): string {
  const { fqdn } = forest.plan;
  const head = [
    "version: 1",
    `# A made-up export of the domain ${fqdn}. Edit it and save: the change is in the target within seconds.`,
    "# A record ends with an empty line, the last one too. A new record needs an objectGUID of its own (for example",
    '# node -p "crypto.randomUUID()"). Remove a record, and the user is deleted; put it back, and the same one is restored.',
  ];
  return `${head.join("\n")}\n\n${forestEntries(forest.plan).map(ldifOf).join("")}`;
}

/** Writes what is missing below `folder`; gives the path of each forest's file. */
export async function ensureSamples(folder: string): Promise<ReadonlyMap<string, string>> {
  await mkdir(folder, { recursive: true });
  const files = new Map<string, string>();
  for (const forest of SAMPLE_FORESTS) {
    const path = join(folder, `${forest.plan.fqdn}.ldif`);
    files.set(forest.name, path);
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) continue;
    const temporary = `${path}.${process.pid}.tmp`;
    await writeFile(temporary, sampleLdif(forest));
    await rename(temporary, path);
  }
  return files;
}
