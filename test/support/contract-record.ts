/**
 * What a service answered, held against the document that it serves: each answer is noted by operation, status and code, and validated
 * by JSON Schema. Several services may be listened to; they serve one document.
 */
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { type Operation, plainPath } from "../../shared/contracts/operation.ts";
import type { CloudOptions } from "./cloud.ts";
import { type Sample, samplesOf } from "./samples.ts";
import { type AskedHow, createService, type Service, type ServiceReply } from "./service.ts";

export interface ContractRecord {
  /** `Operation status code`, or `Operation status` of what succeeded. */
  readonly seen: ReadonlySet<string>;
  /** The same, with what is wrong. */
  readonly lies: ReadonlySet<string>;
  listen(service: Service): Promise<void>;
}

export function createContractRecord(): ContractRecord {
  const seen = new Set<string>();
  const lies = new Set<string>();
  let check: ((operation: Operation, reply: ServiceReply) => string | undefined) | undefined;
  return {
    seen,
    lies,
    async listen(service) {
      check ??= checkBy((await service.ask(named(service, "OpenApi"))).body);
      const lieOf = check;
      service.watch((operation, reply) => {
        const code = reply.code === undefined ? "" : ` ${reply.code}`;
        seen.add(`${operation.id} ${reply.status}${code}`);
        const lie = lieOf(operation, reply);
        if (lie !== undefined) lies.add(`${operation.id} ${reply.status}${code}: ${lie}`);
      });
    },
  };
}

function named(service: Service, id: string): Operation {
  const found = service.operations.find((own) => own.id === id);
  if (!found) throw new Error(`There is no operation ${id}.`);
  return found;
}

// biome-ignore lint/suspicious/noExplicitAny: the document is looked into as it came
function checkBy(document: any) {
  const ajv = new Ajv2020({ strict: false, allErrors: false });
  formats.default(ajv);
  ajv.addSchema({ ...document, $id: "doc" });
  const pointer = (text: string) =>
    text.replaceAll("~", "~0").replaceAll("/", "~1").replaceAll("{", "%7B").replaceAll("}", "%7D");
  return (operation: Operation, reply: ServiceReply): string | undefined => {
    const [path, method] = [`/${plainPath(operation.path)}`, operation.method.toLowerCase()];
    const described = document.paths[path]?.[method]?.responses[reply.status];
    if (described === undefined) return "the document doesn't know that status";
    if (described.content === undefined) return reply.body === undefined ? undefined : "it has a body that isn't told";
    const at = `/paths/${pointer(path)}/${method}/responses/${reply.status}`;
    const validate = ajv.compile({ $ref: `doc#${at}/content/application~1json/schema` });
    return validate(reply.body) ? undefined : ajv.errorsText(validate.errors);
  };
}

/** A service whose every answer is recorded, with a well-formed request of each operation. */
export async function openScene(record: ContractRecord, options: CloudOptions = {}) {
  const service = await createService(options);
  await record.listen(service);
  const samples = await samplesOf(service);
  const sampleOf = (id: string): AskedHow => {
    const { body, query } = samples[id] ?? {};
    if (id === "AcceptBatch") return { body: service.zipped(body), headers: { "content-encoding": "gzip" } };
    return { ...(body === undefined ? {} : { body }), ...(query ? { query } : {}) };
  };
  /** As the sample has it, but for what is said. */
  const ask = (id: string, how: AskedHow = {}) => service.ask(named(service, id), { ...sampleOf(id), ...how });
  /** The code of a refusal; its status where it was none. */
  const codeOf = async (id: string, how: AskedHow = {}) => {
    const reply = await ask(id, how);
    return reply.code ?? reply.status;
  };
  return { ...service, samples: samples as Readonly<Record<string, Sample>>, ask, codeOf };
}

export type Scene = Awaited<ReturnType<typeof openScene>>;
