/**
 * Another job of the same tenant: a domain that exists as an LDIF file with its manifest, an agent that watches the file,
 * and what the target must hold of it.
 */
import { createHash } from "node:crypto";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ldifOf } from "../../../local/samples/ldif-text.ts";
import type { CycleReply } from "../../../shared/contracts/admin/cycles.ts";
import { guidToBytes } from "../../../shared/domain/values.ts";
import type { Job, TargetObject } from "../ad-runtime.ts";
import { createAgent } from "../runtime/agent.ts";
import { type Books, openBooks } from "./books.ts";
import { type Rig, type RunningAgent, runningAgent } from "./rig.ts";

export type FilePerson = { readonly number: number; readonly department: string; readonly login: string };

export type SecondJob = {
  readonly job: Job;
  readonly books: Books;
  readonly agent: RunningAgent;
  /** Puts a new file in place of the old one: these people, and nobody else. */
  write(people: readonly FilePerson[]): Promise<void>;
  /** One full read of the file as it is, to its end; nobody else may run the agent. */
  sync(): Promise<CycleReply>;
  /** The objects of the target that stand for people who ever were in the file, deleted ones too. */
  objects(): Promise<TargetObject[]>;
  /** What is wrong, in words, if the target doesn't hold these people as the file says, and of the file's nobody else. */
  differences(people: readonly FilePerson[]): Promise<string[]>;
};

const root = "DC=papers,DC=example,DC=com";
export const guidOfPerson = (number: number): string => `b0b0b0b0-0000-4000-8000-${String(number).padStart(12, "0")}`;
export const anchorOf = (number: number): string => Buffer.from(guidToBytes(guidOfPerson(number))).toString("base64");

export async function setUpSecondJob(
  rig: Rig,
  guard: { readonly floor: number; readonly count: number; readonly percent: number },
): Promise<SecondJob> {
  const { runtime } = rig.stage.main;
  const { verifiedSuffix } = rig.stage;
  const file = join(runtime.home, "papers.ldif");
  const everybody = new Set<string>();
  const principalOf = ({ login }: FilePerson): string => `${login}@${verifiedSuffix}`;

  async function write(people: readonly FilePerson[]): Promise<void> {
    const domain = { objectClass: ["top", "domain", "domainDNS"], objectGUID: guidOfPerson(0), dc: "papers" };
    const records = [
      ldifOf({ dn: root, attributes: { ...domain, objectSid: "S-1-5-21-7-7-7" } }),
      ...people.map((person) => {
        const name = nameOf(person);
        const names = { cn: name, displayName: name, sAMAccountName: person.login };
        const ids = { objectGUID: guidOfPerson(person.number), objectSid: `S-1-5-21-7-7-7-${2000 + person.number}` };
        const account = { userPrincipalName: principalOf(person), userAccountControl: "512" };
        const objectClass = ["top", "person", "organizationalPerson", "user"];
        return ldifOf({
          dn: `CN=${name},${root}`,
          attributes: { objectClass, ...names, ...ids, ...account, department: person.department },
        });
      }),
    ];
    const text = records.join("");
    const sha256 = createHash("sha256").update(text).digest("hex");
    for (const { number } of people) everybody.add(anchorOf(number));
    await writeFile(`${file}.new`, text);
    // In between the file and its manifest don't fit, and an agent that looks then comes again.
    await writeFile(`${file}.manifest.json`, JSON.stringify({ count: records.length, sha256 }));
    await rename(`${file}.new`, file);
  }

  await write([]);
  const job = await runtime.createConfiguration("papers.example.com", "PAPERS", { guard });
  const agent = await createAgent(runtime, "papers", { kind: "ldif", file });
  await agent.mustEnrol(job);
  const objects = async (): Promise<TargetObject[]> =>
    (await runtime.users()).filter(({ properties }) => everybody.has(String(properties["onPremisesImmutableId"])));
  return {
    job,
    books: openBooks(rig.rows, job.jobId),
    agent: await runningAgent("papers", agent, { pollSeconds: 0.2 }),
    write,
    async sync() {
      await runtime.restart(job);
      await agent.mustRead();
      return runtime.settled(job);
    },
    objects,
    async differences(people) {
      const live = (await objects()).filter(({ deleted }) => !deleted);
      const linesOf = (list: readonly (readonly unknown[])[]): string[] => list.map((own) => own.join(" ")).sort();
      const is = linesOf(
        live.map(({ properties: own }) => [
          ...[own["onPremisesImmutableId"], own["userPrincipalName"], own["displayName"], own["department"]],
          own["accountEnabled"],
        ]),
      );
      const ought = linesOf(
        people.map((own) => [anchorOf(own.number), principalOf(own), nameOf(own), own.department, true]),
      );
      return [
        ...ought.filter((line) => !is.includes(line)).map((line) => `ought to be there: ${line}`),
        ...is.filter((line, index) => !ought.includes(line) || is.indexOf(line) !== index).map((line) => `is: ${line}`),
      ];
    },
  };
}

const nameOf = ({ number }: FilePerson): string => `Paper Person ${number}`;
