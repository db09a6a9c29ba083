/** The calls on users that several tests make. */
import { expect } from "vitest";
import type { RuleId } from "../../../local/directory/rules.ts";
import { buildUser, refusalOf, refusedBy, type TestDirectory } from "./support.ts";

export function userCalls(directory: () => TestDirectory) {
  const create = (overrides: Record<string, unknown> = {}) =>
    directory().call("POST", "users", { body: buildUser(overrides) });
  const createId = async (overrides: Record<string, unknown> = {}): Promise<string> => {
    const answer = await create(overrides);
    expect(answer.body.error).toBeUndefined();
    return answer.body.id;
  };
  const patch = (id: string, body: unknown) => directory().call("PATCH", `users/${id}`, { body });
  const read = async (id: string, ...select: string[]) =>
    (await directory().call("GET", `users/${id}?$select=${select.join(",")}`)).body;

  /** Expects the same refusal of a create and of a PATCH, and that neither changed anything. */
  async function refusesBoth(id: RuleId, change: Record<string, unknown>) {
    expect(refusalOf(await create(change))).toBe(refusedBy(id));
    const user = await createId();
    const before = [...directory().control.list("user")];
    expect(refusalOf(await patch(user, change))).toBe(refusedBy(id));
    expect([...directory().control.list("user")]).toEqual(before);
  }

  return { create, createId, patch, read, refusesBoth };
}
