/**
 * An LDIF file as a source, where no program may speak to the directory itself: full reads only.
 *
 * Its watermark is its SHA-256. A file that is written to meanwhile, or stops in mid record, was not read completely; one that was
 * written a moment ago is not read at all, because a cut between two records doesn't show.
 * Without a manifest (`<file>.manifest.json`, `{ "count", "sha256" }`) nobody can tell what the exporting account could
 * see, so visibility is partial; with one that fits, it is complete.
 */
import { basename } from "node:path";
import type { Change, Watermark } from "../../../shared/contracts/change.ts";
import type { Clock } from "../../../shared/ports/clock.ts";
import type { Log } from "../../../shared/ports/log.ts";
import { SourceError, type SourcePage, type SourceReadOrder } from "../../../shared/ports/source-directory.ts";
import type { AgentSource } from "../../agent-source.ts";
import { watermarkIdOf } from "../../watermark-id.ts";
import { VALUES_PER_PART, weightOf } from "../member-lists.ts";
import { refuseWhileWritten, waitForFile } from "./file-watch.ts";
import { type CheckedIndex, changesOf, NO_SERVER } from "./ldif-changes.ts";
import { type FileState, fileState, hashedChunks, indexLdif, sameState } from "./ldif-index.ts";
import { parseLdif } from "./ldif-parser.ts";
import { openLdifScope } from "./ldif-scope.ts";
import { lookUpInLdif } from "./look-up.ts";
import { readManifest } from "./manifest.ts";
import { refuseDoubts, refuseWithoutGuid } from "./record-checks.ts";
import type { LdifSettings } from "./settings.ts";

export interface LdifSourceDeps {
  readonly settings: LdifSettings;
  readonly clock: Clock;
  readonly log: Log;
}

const CHANGES_PER_PAGE = 500;

interface Indexed extends CheckedIndex {
  readonly state: FileState;
}

export function createLdifSource(deps: LdifSourceDeps): AgentSource {
  const path = deps.settings.file;
  let last: Indexed | undefined;
  /** Also of a file that could not be read: waiting is for another one. */
  let seen: FileState | undefined;

  /** The index of the file as it is now; the file is read only when it isn't the one indexed last. */
  async function index(): Promise<Indexed> {
    const state = await fileState(path);
    seen = state;
    if (last !== undefined && sameState(last.state, state)) return withManifest(last);
    await refuseWhileWritten(path, state, deps);
    const indexed = await indexLdif(path);
    if (!sameState(state, await fileState(path))) throw changedUnderway(path);
    last = { ...indexed, state, isComplete: false };
    return withManifest(last);
  }

  /** The manifest may come later than the file, so it is looked at every time. */
  async function withManifest(indexed: Indexed): Promise<Indexed> {
    const manifest = await readManifest(path);
    if (manifest === undefined) return { ...indexed, isComplete: false };
    if (manifest.sha256.toLowerCase() !== indexed.sha256 || manifest.count !== indexed.records) {
      throw new SourceError(
        "source-incomplete",
        `${path} doesn't fit its manifest: ${indexed.records} records with SHA-256 ${indexed.sha256}, expected ${manifest.count} with ${manifest.sha256}.`,
        "If the export is still being copied, nothing to do: it is read again. Otherwise write the manifest again.",
      );
    }
    return { ...indexed, isComplete: true };
  }

  async function* read(order: SourceReadOrder): AsyncGenerator<SourcePage> {
    if (order.kind === "delta") {
      throw new SourceError("source-cookie", "An LDIF file tells no delta.", "Nothing to do: a full read follows.");
    }
    const indexed = await index();
    refuseWithoutGuid(indexed.withoutGuid, order.objectClasses, path);
    refuseDoubts(indexed.doubts, order.objectClasses, path);
    const scope = await openLdifScope(order.scope, indexed, path);
    const chunks = hashedChunks(path);
    let pending: Change[] = [];
    let weight = 0;
    let unresolved = 0;
    for await (const record of parseLdif(chunks, path)) {
      for (const change of changesOf(record, { order, scope }, indexed, path, () => unresolved++)) {
        if (pending.length === CHANGES_PER_PAGE || weight >= VALUES_PER_PART) {
          yield { changes: pending, isLast: false };
          pending = [];
          weight = 0;
        }
        pending.push(change);
        weight += weightOf(change);
      }
    }
    if (chunks.digest() !== indexed.sha256 || !sameState(indexed.state, await fileState(path)))
      throw changedUnderway(path);
    if (unresolved > 0) deps.log.warn("ldif-references-unresolved", { count: unresolved });
    yield { changes: pending, watermarkAfter: watermarkOf(indexed), isLast: true };
  }

  function watermarkOf(indexed: Indexed): Watermark {
    const token = indexed.sha256;
    return { mode: "ldif", id: watermarkIdOf(token), token, at: new Date(deps.clock.now()).toISOString() };
  }

  return {
    reads: "full-only",
    describe: async () => {
      const indexed = await index();
      return {
        domain: indexed.domain,
        server: { invocationId: NO_SERVER, dnsName: basename(path), highestCommittedUsn: "0" },
        visibility: indexed.isComplete ? "complete" : "partial",
      };
    },
    checkScope: async (scope) => {
      await openLdifScope(scope, await index(), path);
    },
    fingerprint: async () => (await index()).sha256,
    lookUp: async (order) => lookUpInLdif(order, await index(), path),
    expectedObjects: () => last?.records,
    read,
    waitForChange: (signal) => waitForFile(path, seen, deps.settings, signal),
    close: async () => {
      last = undefined;
    },
  };
}

function changedUnderway(path: string): SourceError {
  return new SourceError(
    "source-incomplete",
    `${path} changed while it was read.`,
    "Nothing to do: it is read again. To avoid it, write a new file beside it and rename.",
  );
}
