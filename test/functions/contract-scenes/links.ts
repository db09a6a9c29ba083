/** Links mended by hand, and what stands against it. */
import { expect } from "vitest";
import { TargetUnavailable } from "../../../shared/ports/target-directory.ts";
import { aGroup } from "../../support/changes.ts";
import { aUser, guidOf } from "../../support/cloud.ts";
import { type ContractRecord, openScene } from "../../support/contract-record.ts";

export async function playLinks(record: ContractRecord): Promise<void> {
  let contested = "";
  const scene = await openScene(record, {
    wrapRows: (rows) => ({
      ...rows,
      table: (name) => {
        const table = rows.table(name);
        return {
          ...table,
          transact: async (partition, operations) => {
            const isHit =
              name === "objects" && contested !== "" && operations.some((own) => own.row.includes(contested));
            // Somebody else's write came in between.
            return isHit ? { ok: false, reason: "changed", index: 0 } : table.transact(partition, operations);
          },
        };
      },
    }),
  });
  const { cloud, corp, codeOf, ask } = scene;
  const { target } = cloud;
  const CODES = ["target-unreachable", "target-credentials", "target-refused"] as const;
  for (const code of CODES) {
    target.setUnavailable(new TargetUnavailable(code, "It says why.", "Mend that.", 0));
    for (const id of ["ShowLink", "JoinLink", "MoveLink", "Unlink", "RebuildLinks", "ListTargetObjects"])
      expect(await codeOf(id)).toBe(code);
  }
  target.setUnavailable(undefined);
  const seed = (name: string, flags: { readonly synchronized?: boolean } = {}) =>
    target.seed([{ values: { displayName: name, accountEnabled: true }, ...flags }])[0] ?? "";
  const [free, synced] = [seed("free"), seed("synced", { synchronized: true })];
  cloud.clock.set(cloud.clock.now() + 200_000);
  const outside = { isCriticalSystemObject: "TRUE" };
  const names = ["ann", "bob", "cid", "dan", "fay", "gus"];
  await corp.read("full", [
    ...names.map((name) => aUser(name)),
    ...[aUser("out", outside), aGroup("crew"), aUser("excluded")],
  ]);
  await corp.read("delta", [{ op: "delete", objectGuid: guidOf("gus") }]);
  const of = (name: string) => ({ params: { objectGuid: guidOf(name) } });
  const targetOf = async (name: string) => (await ask("ShowLink", of(name))).body.link?.targetId as string;
  const join = (name: string, targetId: string) => codeOf("JoinLink", { ...of(name), body: { targetId } });
  const move = (from: string, to: string) => codeOf("MoveLink", { ...of(from), body: { toObjectGuid: guidOf(to) } });
  const unlink = (name: string) => codeOf("Unlink", of(name));

  expect(await join("ann", free)).toBe("object-linked");
  for (const name of ["cid", "dan", "fay", "crew", "excluded"]) expect(await unlink(name)).toBe(200);
  expect(await unlink("cid")).toBe("object-not-linked");
  expect((await ask("AddExclusion", { params: { guid: guidOf("excluded") } })).status).toBe(200);
  expect(await join("gus", free)).toBe("object-gone");
  expect(await join("out", free)).toBe("object-out-of-scope");
  expect(await join("cid", guidOf("no target"))).toBe("target-not-found");
  expect(await join("cid", synced)).toBe("target-refused");
  expect(await join("excluded", free)).toBe("excluded");
  contested = guidOf("cid");
  expect(await join("cid", free)).toBe("object-busy");
  contested = "";
  expect(await join("cid", free)).toBe(200);
  // Before anything was written to it: it bears nobody's anchor yet.
  expect(await join("dan", free)).toBe("target-linked");

  expect(await move("ann", "bob")).toBe("object-linked");
  expect(await move("dan", "fay")).toBe("object-not-linked");
  expect(await move("ann", "gus")).toBe("object-gone");
  expect(await move("ann", "out")).toBe("object-out-of-scope");
  expect(await move("ann", "crew")).toBe("target-not-found");
  expect(await move("ann", "excluded")).toBe("excluded");
  target.setPrivileged(await targetOf("bob"), true);
  expect(await move("bob", "fay")).toBe("target-refused");
  contested = guidOf("fay");
  expect(await move("ann", "fay")).toBe("object-busy");
  contested = guidOf("bob");
  expect(await unlink("bob")).toBe("object-busy");
  contested = "";
  expect(await move("ann", "fay")).toBe(200);
  expect(await codeOf("RetryEscrows", { body: { objectGuid: guidOf("bob") } })).toBe("escrow-not-found");
  await scene.close();
}
