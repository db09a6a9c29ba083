/** A cloud with one job, and what tests of what-ifs ask of it. */

import {
  WhatIfApprovalReply,
  WhatIfDetailReply,
  WhatIfReply,
  type WhatIfRequest,
} from "../../shared/contracts/admin/what-ifs.ts";
import type { JobSettings } from "../../shared/contracts/configuration.ts";
import { type Cloud, type CloudOptions, createCloud } from "../support/cloud.ts";
import { schemaWith } from "../support/schema.ts";

const BY = "admin ann";

export const names = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => `user${String(at + from).padStart(3, "0")}`);

/** The default schema with other expressions for people, by target attribute. */
export const mapped = (expressions: Readonly<Record<string, string>>) =>
  schemaWith({
    user: {
      attributes: Object.fromEntries(
        Object.entries(expressions).map(([name, expression]) => [name, { source: { expression } }]),
      ),
    },
  });

/** The default schema with one clause for people, who have to fulfil it. */
export const onlyWhere = (sourceOperandName: string, value: string, operatorName = "EQUALS") =>
  schemaWith({
    user: {
      scope: {
        groups: [{ name: "some", clauses: [{ sourceOperandName, operatorName, targetOperand: { values: [value] } }] }],
      },
    },
  });

export async function start(options: CloudOptions = {}, settings: Partial<JobSettings> = {}) {
  const cloud = await createCloud({ chunkObjects: 4, ...options });
  const agent = await cloud.addDomain("corp.example", settings);
  const { jobId } = agent;
  const { whatIfs, schemas, configurations } = cloud.cloud.routes;
  const ask = async (request: WhatIfRequest) => {
    const asked = await whatIfs.run(jobId, request, BY);
    if (!asked.ok) throw new Error(JSON.stringify(asked.failure));
    // Ids are by time.
    cloud.clock.set(cloud.clock.now() + 1);
    return WhatIfReply.parse(asked.value).id;
  };
  const show = async (id: string) => {
    const found = await whatIfs.get(jobId, id);
    if (!found.ok) throw new Error(found.failure.message);
    return WhatIfDetailReply.parse(found.value);
  };
  /** Carried out to its end. */
  const tryOut = async (request: WhatIfRequest) => {
    const id = await ask(request);
    await cloud.run();
    const shown = await show(id);
    if (!shown.result || shown.digest === null) throw new Error(`The what-if is ${shown.state}: ${shown.failure}`);
    return { ...shown, result: shown.result, digest: shown.digest };
  };
  const approve = async (digest: string) => {
    const done = await whatIfs.approve(jobId, digest, BY);
    return done.ok ? { ok: true as const, value: WhatIfApprovalReply.parse(done.value) } : done;
  };
  return { cloud, agent, jobId, whatIfs, schemas, configurations, ask, show, tryOut, approve };
}

/** Every row of every table, without what says that a run runs and that something was tried. */
export async function allRows(cloud: Cloud): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>();
  for (const table of await cloud.rows.listTables())
    for await (const rows of cloud.rows.table(table).scan())
      for (const { partition, row, etag, values } of rows)
        if (table !== "jobs" || !/^(runner|inbox|work|whatif):/.test(row))
          found.set(`${table} ${partition} ${row}`, { etag, values });
  return found;
}

/** Without what what-ifs keep. */
export async function allBlobs(cloud: Cloud): Promise<string[]> {
  const paths: string[] = [];
  for await (const path of cloud.blobs.list("")) paths.push(path);
  return paths.filter((path) => !path.startsWith("what-ifs/"));
}
