import { describe, expect, it } from "vitest";
import { unpackJson } from "../../shared/application/state/packing.ts";
import type { JobSettings } from "../../shared/contracts/configuration.ts";
import { defaultSchema } from "../../shared/domain/default-schema.ts";
import { REDACTED } from "../../shared/domain/redaction.ts";
import type { SynchronizationSchema } from "../../shared/domain/synchronization-schema.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";
import { readLog } from "../support/log.ts";
import { runSchema, schemaWith } from "../support/schema.ts";
import { reconcile } from "./reconcile-support.ts";

/** Texts of every row that was ever written to the log's and the escrows' tables. */
function watchRows() {
  const written: string[] = [];
  const wrap = (rows: RowStore): RowStore => ({
    ...rows,
    table: (name) => {
      const table = rows.table(name);
      if (!/^(log\d|escrows)/.test(name)) return table;
      return {
        ...table,
        transact: (partition, operations) => {
          for (const operation of operations) {
            if (!("values" in operation)) continue;
            const { data, ...plain } = operation.values;
            written.push(JSON.stringify(plain), data instanceof Uint8Array ? JSON.stringify(unpackJson(data)) : "");
          }
          return table.transact(partition, operations);
        },
      };
    },
  });
  return { written, wrap };
}

const SECRET = "Zebra-77";
const OTHER = "Okapi-88";

function withWriteOnly(schema: SynchronizationSchema): SynchronizationSchema {
  const attributes = [{ name: "EmployeeId", type: "String", mutability: "WriteOnly" }];
  return { ...schema, directories: [{ name: "Target", objects: [{ name: "User", attributes }] }] };
}

const WAYS: readonly (readonly [string, Partial<JobSettings>, SynchronizationSchema])[] = [
  [
    "its mapping has Redact",
    {},
    schemaWith({ user: { attributes: { EmployeeId: { source: { expression: "Redact([employeeID])" } } } } }),
  ],
  ["the target's definition is write-only", {}, withWriteOnly(defaultSchema())],
  ["the job names the property", { redact: ["employeeId"] }, defaultSchema()],
  ["the job names the attribute that it comes from", { redact: ["EMPLOYEEID"] }, defaultSchema()],
];

async function shownOf({ cloud }: Cloud, jobId: string): Promise<string> {
  const log = await readLog(cloud.routes, { jobId, sinceDays: 400, top: 500 });
  const escrows = await cloud.routes.queries.escrows(jobId);
  const link = await cloud.routes.links.show(jobId, guidOf("ann"));
  return JSON.stringify([log, escrows, link]);
}

describe("a value that nobody must read", () => {
  it.each(WAYS)("flows, and shows nowhere when %s", async (_, settings, schema) => {
    const { written, wrap } = watchRows();
    const cloud = await createCloud({ settings, wrapRows: wrap });
    const agent = await cloud.addDomain("corp.example");
    await runSchema(cloud, agent.jobId, schema);
    await agent.read("full", [aUser("ann", { employeeID: SECRET, department: "Sales" })]);
    await agent.read("delta", [aUser("ann", { employeeID: OTHER, department: "Sales" })]);
    expect(cloud.target.objects()[0]?.values).toMatchObject({ employeeId: OTHER });

    // The target repeats the value in its refusal, in another case; with and without naming the property.
    cloud.target.order({
      kind: "fail",
      failure: { code: "IdentityDataValidationFailed", message: `Bad: zebra-77!`, remedy: "", retriable: false },
    });
    await agent.read("delta", [aUser("ann", { employeeID: SECRET, department: "Sales" })]);
    const named = { code: "ExceededAllowedLength" as const, message: "Bad: O-k-a-p-i 8", remedy: "", retriable: false };
    cloud.target.order({ kind: "fail", failure: { ...named, properties: ["employeeId"] } });
    await agent.read("delta", [aUser("ann", { employeeID: OTHER, department: "Finance" })]);
    // The mapping itself refuses it.
    await agent.read("delta", [aUser("ann", { employeeID: `${SECRET} and far too long`, department: "Finance" })]);

    const all = [...written, await shownOf(cloud, agent.jobId), JSON.stringify(cloud.logged)].join("\n");
    expect(all).not.toMatch(/zebra|okapi|o-k-a-p-i/i);
    expect(all).toContain(REDACTED);
    expect(all).toContain("Sales");
  });

  it("is not shown by a mapping that makes another value of it and refuses that", async () => {
    const { written, wrap } = watchRows();
    const cloud = await createCloud({ wrapRows: wrap });
    const agent = await cloud.addDomain("corp.example");
    const expression = 'Redact(Join("/", Mid([employeeID], 2, 7), "which-is-more-than-it-takes"))';
    await runSchema(
      cloud,
      agent.jobId,
      schemaWith({ user: { attributes: { EmployeeId: { source: { expression } } } } }),
    );
    await agent.read("full", [aUser("ann", { employeeID: SECRET })]);
    const escrows = await cloud.cloud.routes.queries.escrows(agent.jobId);
    const [escrow] = escrows.ok ? escrows.value : [];
    expect(escrow?.message).toMatch(
      /^Attribute EmployeeId of object .* may hold the value, which is redacted\. It is mapped by/,
    );
    const all = [...written, await shownOf(cloud, agent.jobId), JSON.stringify(cloud.logged)].join("\n");
    expect(all).not.toMatch(/ebra/i);
  });

  it("is not shown of an object of nobody that a reconcile finds", async () => {
    const cloud = await createCloud({ settings: { redact: ["userPrincipalName"] } });
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann")]);
    cloud.target.seed([{ values: { displayName: "guest", userPrincipalName: "okapi@corp.example" } }]);
    const { counts, findings } = await reconcile(cloud, agent.jobId);
    expect(counts).toMatchObject({ foreign: 1 });
    expect(findings).toMatchObject([{ kind: "foreign", actual: REDACTED }]);
  });

  it("is not shown by a filter that tells what it saw, nor by who holds a name", async () => {
    const { written, wrap } = watchRows();
    const groups = [
      {
        name: "g",
        clauses: [{ sourceOperandName: "employeeID", operatorName: "EQUALS", targetOperand: { values: ["x"] } }],
      },
    ];
    const settings = { redact: ["employeeID", "userPrincipalName", "mailNickname"] };
    const cloud = await createCloud({ settings, wrapRows: wrap });
    const agent = await cloud.addDomain("corp.example");
    await runSchema(cloud, agent.jobId, schemaWith({ user: { scope: { groups } } }));
    const x = { employeeID: "x" };
    await agent.read("full", [
      aUser("ann", { employeeID: SECRET }),
      aUser("one", { ...x, userPrincipalName: "okapi@corp.example" }),
      aUser("two", { ...x, userPrincipalName: "okapi@corp.example" }),
    ]);
    expect(cloud.target.objects()).toHaveLength(1);
    const all = [...written, await shownOf(cloud, agent.jobId), JSON.stringify(cloud.logged)].join("\n");
    expect(all).not.toMatch(/zebra|okapi/i);
    expect(await agent.status()).toMatchObject({ escrowed: 1 });
  });
});
