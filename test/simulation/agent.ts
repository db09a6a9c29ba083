/**
 * An agent: the product's own LDAP source and batcher before a modelled domain controller, and a short loop that does with what
 * they bring what the real one does: heartbeat, order, read, send, obey. On its way a batch can be sent twice, late, torn or not at
 * all, and an answer can be lost. What it was told is stored is written down: the service is held to it.
 */
import "./sync-zlib.ts";
import { gunzipSync } from "node:zlib";
import type { AgentSource } from "../../agent/agent-source.ts";
import { type BuiltBatch, makeBatches } from "../../agent/batcher.ts";
import { withProof } from "../../agent/read-sender.ts";
import { createLdapSource } from "../../agent/source/ldap/ldap-source.ts";
import { LdapSettings } from "../../agent/source/ldap/settings.ts";
import type { UseCases } from "../../functions/use-cases.ts";
import type { AgentRow } from "../../shared/application/state/agent-rows.ts";
import type { HeartbeatRequest, ReadOrder } from "../../shared/contracts/agent-api.ts";
import type { AgentScope } from "../../shared/contracts/configuration.ts";
import type { Log } from "../../shared/ports/log.ts";
import { SourceError } from "../../shared/ports/source-directory.ts";
import type { FaultBox } from "./faults.ts";
import type { Forest } from "./forest.ts";
import type { Kernel } from "./kernel.ts";
import type { Way } from "./steps.ts";

export interface Acknowledged {
  readonly jobId: string;
  readonly batchId: string;
  readonly readNo: number;
  readonly sequence: number;
  readonly changes: number;
}

export interface SimulatedAgent {
  readonly jobId: string;
  readonly configurationId: string;
  readonly agentId: string;
  readonly acknowledged: readonly Acknowledged[];
  /** One wish, from heartbeat to the last batch. Resolves when the agent has nothing more to do for it: what it read to the end. */
  read(request: {
    readonly want: "full" | "delta";
    readonly size: number;
    readonly way: Way;
  }): Promise<"full" | "delta" | undefined>;
  /** The clock of its machine, beside the service's. */
  setSkew(ms: number): void;
}

/** A full read that the service asks for instead of the delta, and one more. */
const MOST_ORDERS = 4;

export function createAgent(deps: {
  readonly forest: Forest;
  readonly kernel: Kernel;
  /** One request to the service: fails as a connection does when its process dies. */
  readonly request: <T>(name: string, work: (cloud: UseCases) => Promise<T>) => Promise<T>;
  readonly faults: FaultBox;
  readonly log: Log;
  readonly trace: (line: string) => void;
  readonly enrolled: Pick<AgentRow, "agentId" | "configurationId" | "jobId">;
}): SimulatedAgent {
  const { forest, kernel, request: ask, faults, trace, enrolled } = deps;
  const { jobId, configurationId } = enrolled;
  const proven = { agent: enrolled as AgentRow, boot: "boot-1" };
  const acknowledged: Acknowledged[] = [];
  let skewMs = 0;
  let troubled: { readonly scope: AgentScope; readonly trouble: NonNullable<HeartbeatRequest["trouble"]> } | undefined;
  const source: AgentSource = createLdapSource({
    settings: LdapSettings.parse({ kind: "ldap", url: "ldaps://dc.example", bindDn: "reader@corp.example" }),
    environment: {},
    clock: { now: () => kernel.now() + skewMs },
    log: deps.log,
    connect: async () => forest.connect(),
  });

  async function heartbeat(request: Omit<HeartbeatRequest, "version" | "domain">) {
    const { domain } = await source.describe();
    const reply = await ask("Heartbeat", (cloud) =>
      cloud.routes.heartbeat(proven, { version: "1", domain, ...request }),
    );
    if (!reply.ok) throw new Refused(reply.failure.code);
    return reply.value;
  }

  async function read(request: {
    readonly want: "full" | "delta";
    readonly size: number;
    readonly way: Way;
  }): Promise<"full" | "delta" | undefined> {
    let beat: Omit<HeartbeatRequest, "version" | "domain"> = { want: request.want };
    let { way } = request;
    for (let orders = 0; orders < MOST_ORDERS; orders++) {
      let order: ReadOrder | null = null;
      try {
        if (troubled) {
          await lookForScope();
          if (troubled) beat = { ...beat, trouble: troubled.trouble };
        }
        order = (await heartbeat(beat)).order;
        if (order === null) return undefined;
        if (order.nextSequence !== 1) {
          // Begun by a process that is gone: what it counted and hashed is gone with it.
          beat = { want: order.kind, reason: "restart", abortReadNo: order.readNo };
          continue;
        }
        if (order.reason === "watermark-age") faults.note("source skew-aged");
        const outcome = await serve(order, request.size, way);
        if (outcome !== "refused") return outcome === "sent" ? order.kind : undefined;
        way = {};
        beat = { want: order.kind, reason: "batch-not-expected", abortReadNo: order.readNo };
      } catch (error) {
        trace(
          `agent ${forest.number} gives up: ${error instanceof Error ? error.message.slice(0, 120) : String(error)}`,
        );
        if (!(error instanceof SourceError)) return undefined;
        if (error.code === "source-scope" && order) {
          const objectGuids = [...error.objectGuids];
          troubled = {
            scope: order.scope,
            trouble: { code: "ScopeObjectMissing", message: error.message, objectGuids },
          };
        }
        const abort = order ? { abortReadNo: order.readNo, reason: error.code } : {};
        if (error.code === "source-cookie" && order?.kind === "delta") {
          if (/days old/.test(error.message)) faults.note("source skew-aged");
          beat = { want: "full", ...abort };
          continue;
        }
        // It says so, and asks another time.
        await heartbeat({ want: "none", ...abort, ...(troubled ? { trouble: troubled.trouble } : {}) }).catch(
          () => undefined,
        );
        return undefined;
      }
    }
    return undefined;
  }

  async function lookForScope(): Promise<void> {
    if (!troubled) return;
    try {
      await source.checkScope(troubled.scope);
      troubled = undefined;
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
    }
  }

  async function serve(order: ReadOrder, size: number, way: Way): Promise<"sent" | "refused" | "dead"> {
    const description = await withProof(source, order, await source.describe());
    const pages = source.read({
      kind: order.kind,
      attributes: order.attributes,
      objectClasses: order.objectClasses,
      watermark: order.watermark,
      scope: order.scope,
      reportsLeaves: order.reportsLeaves,
    });
    trace(`agent ${forest.number} reads ${order.kind} ${order.readNo} (${order.reason})`);
    const limits = { changes: size, bytes: 4 * 1024 * 1024 };
    const outbox: BuiltBatch[] = [];
    let place = 0;
    for await (const batch of makeBatches(pages, { order, description }, limits)) {
      outbox.push(batch);
      // One batch more than is being sent lies ready, so that two can change places.
      if (outbox.length < 2) continue;
      const said = await sendOne(outbox, ++place, way);
      if (said !== "sent") return said;
    }
    while (outbox.length > 0) {
      const said = await sendOne(outbox, ++place, way);
      if (said !== "sent") return said;
    }
    return "sent";
  }

  async function sendOne(outbox: BuiltBatch[], place: number, way: Way): Promise<"sent" | "refused" | "dead"> {
    const batch = outbox.shift();
    if (!batch) return "sent";
    if (way.truncate === place) {
      faults.note("way truncated");
      return "dead";
    }
    const [after] = outbox;
    if (way.reorder === place && after) {
      faults.note("way reordered");
      if (await post(after)) throw new Error(`Batch ${after.batchId} was taken before the one that it follows.`);
    }
    if (way.torn === place) {
      faults.note("way torn");
      const torn = await accept(gunzipSync(batch.body).subarray(0, batch.changes + 200)).catch(() => undefined);
      if (torn?.ok) throw new Error(`Half of batch ${batch.batchId} was taken for the whole.`);
    }
    if (way.lost === place) {
      faults.note("way answer-lost");
      await post(batch, "unheard");
    }
    if (!(await post(batch))) return "refused";
    if (way.repeat === place) {
      faults.note("way repeated");
      if (!(await post(batch)))
        throw new Error(`Batch ${batch.batchId} was acknowledged, and refused when it came again.`);
    }
    return "sent";
  }

  /** Unpacked: what inflates in a thread of its own would not be the seed's to order. */
  const accept = (body: Buffer) =>
    ask("AcceptBatch", (cloud) => cloud.routes.acceptBatch(proven, { jobId, body, isGzip: false }));

  /** Until there is an answer, as the real one does. */
  async function post(batch: BuiltBatch, ear: "heard" | "unheard" = "heard"): Promise<boolean> {
    for (let attempt = 0; ; attempt++) {
      try {
        const reply = await accept(gunzipSync(batch.body));
        if (ear === "unheard") return true;
        if (!reply.ok) {
          trace(`agent ${forest.number} batch ${batch.readNo}.${batch.sequence} refused: ${reply.failure.message}`);
          return false;
        }
        const { batchId, readNo, sequence, changes } = batch;
        acknowledged.push({ jobId, batchId, readNo, sequence, changes });
        trace(`agent ${forest.number} batch ${readNo}.${sequence} acknowledged`);
        return true;
      } catch (error) {
        if (attempt === 5) throw error;
        await kernel.sleep(2_000);
      }
    }
  }

  return {
    jobId,
    configurationId,
    agentId: enrolled.agentId,
    acknowledged,
    read,
    setSkew: (ms) => {
      skewMs = ms;
    },
  };
}

class Refused extends Error {}
