/** `uplink target show` of a deployed service, by its own routes; the local runtime's target is shown in test/cli/admin.test.ts and test/e2e. */
import { beforeEach, describe, expect, it } from "vitest";
import { registerTargetCommands } from "../../cli/target-commands.ts";
import { configurationRoutes } from "../../functions/configurations.http.ts";
import type { Route } from "../../functions/http-route.ts";
import { targetObjectsRoute } from "../../functions/target-objects.http.ts";
import { TargetUnavailable } from "../../shared/ports/target-directory.ts";
import { answerByRoutes, serveInTests } from "../support/admin-service.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";

let routes: readonly Route[];
let cloud: Cloud;
let configurationId: string;

const { uplink, asked } = serveInTests(
  [registerTargetCommands],
  answerByRoutes(() => routes),
);

beforeEach(async () => {
  cloud = await createCloud();
  const agent = await cloud.addDomain("corp.example");
  configurationId = agent.configurationId;
  const { findTargetObjects, configurations } = cloud.cloud.routes;
  routes = [targetObjectsRoute(findTargetObjects), ...configurationRoutes(configurations)];
  await agent.read("full", [aUser("ann", { mail: "shared+1@corp.example" })]);
});

describe("of a deployed service", () => {
  it("an object is shown with the object of the directory that has it, by its job's name, and as the service says for programs", async () => {
    const [id = ""] = cloud.target.objects().map((own) => own.id);
    const shown = await uplink("target", "show", "ann@corp.example");
    expect(shown).toMatchObject({ code: 0, err: "" });
    expect(shown.out).toMatch(new RegExp(`^id +${id}$`, "m"));
    expect(shown.out).toMatch(/^accountEnabled +true$/m);
    expect(shown.out).toMatch(new RegExp(`^source object +corp\\.example:${guidOf("ann")}$`, "m"));
    expect(shown.out).not.toMatch(/deleted|synchronized|uniqueName/);
    const { out } = await uplink("target", "show", id, "--json");
    const linkedTo = { configurationId, objectGuid: guidOf("ann") };
    expect(JSON.parse(out)).toMatchObject({ id, type: "user", deleted: false, linkedTo });
  });

  it("one that is deleted, another synchronisation's or nobody's says so", async () => {
    const values = { onPremisesImmutableId: "a/b+c==", displayName: "Gone\u001b[31m" };
    cloud.target.seed([{ values, deleted: true, synchronized: true }]);
    const { out } = await uplink("target", "show", "a/b+c==");
    expect(out).toMatch(/^displayName +Gone \[31m$/m);
    expect(out).toMatch(/^synchronized +by another directory synchronisation$/m);
    expect(out).toMatch(/^deleted +true$/m);
    expect(out).toMatch(/^source object +nobody's$/m);
  });

  it("several with one value are a table, and a list for programs", async () => {
    const mail = "shared+1@corp.example";
    cloud.target.seed([{ values: { userPrincipalName: "two@corp.example", mail, accountEnabled: false } }]);
    const { out } = await uplink("target", "show", mail);
    expect(out.split("\n")[0]).toMatch(/^type +name +user principal name +state +id +source object$/);
    expect(out).toMatch(
      new RegExp(`^user +ann +ann@corp\\.example +living +\\S+ +corp\\.example:${guidOf("ann")}$`, "m"),
    );
    expect(out).toMatch(/^user +two@corp\.example +disabled +\S+ +nobody's$/m);
    const list = JSON.parse((await uplink("target", "show", mail, "--json")).out) as { userPrincipalName: string }[];
    expect(list.map((own) => own.userPrincipalName)).toEqual(["ann@corp.example", "two@corp.example"]);
  });

  it("what isn't there is exit 8, and says that whole values are looked for; so does the help", async () => {
    const { code, out, err } = await uplink("target", "show", "ann");
    expect({ code, out }).toEqual({ code: 8, out: "" });
    expect(err).toContain("The target has no object with the value 'ann'");
    expect(err).toContain("A deployed service looks for whole values");
    expect(asked().map(({ url }) => url)).toEqual(["/api/v1.0/uplink/targetObjects?name=ann"]);
    expect((await uplink("target", "show", "--help")).out).toContain("by whole values alone");
  });

  it("what the target says is told in its words", async () => {
    cloud.target.setUnavailable(new TargetUnavailable("target-credentials", "The secret ran out.", "Renew it.", 0));
    const { code, err } = await uplink("target", "show", "ann@corp.example");
    expect({ code, err }).toEqual({ code: 9, err: "The secret ran out.\nRenew it.\n" });
  });
});
