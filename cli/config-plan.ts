/**
 * From what files want and what the service has to the steps between: pure, so that the same two give the same plan and the same digest.
 *
 * A step carries what it was planned against (ETag, version, value before), so the digest is of that, too, and of the service's address. Nothing is deleted because a
 * file is silent about it: only a list of exclusions that says `prune: true` takes entries away. Who is protected comes first, who loses
 * protection last; a job is held before it changes and let go after.
 */
import { createHash } from "node:crypto";
import type { z } from "zod";
import { AgentError } from "../agent/agent-error.ts";
import type { JobSettingsChange } from "../shared/contracts/admin/job-settings.ts";
import type { JobModeReply } from "../shared/contracts/admin/jobs.ts";
import type { CreateConfigurationRequest } from "../shared/contracts/configuration.ts";
import { diffSchemas, type SchemaDiff } from "../shared/domain/schema-diff.ts";
import type { SynchronizationSchema } from "../shared/domain/synchronization-schema.ts";
import type { Wanted, WantedConfiguration } from "./config-files.ts";
import type { Present, PresentConfiguration } from "./config-present.ts";
import { type SecretsStep, secretsStepOf } from "./config-secrets.ts";

/** `before` undefined: there was nothing. */
export interface Difference {
  readonly what: string;
  readonly before: unknown;
  readonly after: unknown;
}

export type PlanStep =
  | {
      readonly kind: "exclude";
      readonly guid: string;
      readonly reason: string;
      readonly before: string | null;
      /** Of the entry that it changes; null: there is none. */
      readonly etag: string | null;
    }
  | { readonly kind: "include"; readonly guid: string; readonly reason: string; readonly etag: string }
  | {
      readonly kind: "create";
      readonly domainFqdn: string;
      readonly request: CreateRequest;
    }
  | {
      readonly kind: "mode";
      readonly domainFqdn: string;
      readonly mode: JobModeReply["mode"];
      readonly before: JobModeReply["mode"];
    }
  | {
      readonly kind: "settings";
      readonly domainFqdn: string;
      /** Null: of the job that a step before makes. */
      readonly etag: string | null;
      readonly change: JobSettingsChange;
      readonly differences: readonly Difference[];
    }
  | {
      readonly kind: "schema";
      readonly domainFqdn: string;
      readonly file: string;
      readonly expectedVersion: number;
      readonly schema: SynchronizationSchema;
      readonly differences: SchemaDiff | null;
    }
  | SecretsStep;

/** What has a default may be left out. */
type CreateRequest = z.input<typeof CreateConfigurationRequest>;

export interface ConfigPlan {
  readonly steps: readonly PlanStep[];
  /** What is there and no file is about; it stays. */
  readonly untouched: readonly string[];
  /** Domains with secrets that are set and named: whether they are as the references say, nobody can tell. */
  readonly secretsNotCompared: readonly string[];
  readonly digest: string;
}

/** `service`: its address; `setSecrets`: all that are named, the service may have them or not. Throws `AgentError` config-invalid for what can't be had, every fault at once. */
export function planConfiguration(wanted: Wanted, present: Present, service: string, setSecrets: boolean): ConfigPlan {
  const faults: string[] = [];
  const ofJobs = wanted.configurations.flatMap((own) => {
    const there = present.configurations.find(({ settings }) => settings.domainFqdn === own.domainFqdn);
    const secrets = secretsStepOf(own, there?.secrets ?? [], setSecrets, faults);
    return there ? changesOf(own, there, secrets, faults) : [...creationOf(own, faults), ...(secrets ? [secrets] : [])];
  });
  if (faults.length > 0)
    throw new AgentError(
      "config-invalid",
      faults.join("\n"),
      "Mend the files; 'uplink config export' shows what is there.",
    );
  const { exclude, include, kept } = exclusionsOf(wanted, present);
  const steps = [...exclude, ...ofJobs, ...include];
  const known = new Set(wanted.configurations.map(({ domainFqdn }) => domainFqdn));
  const untouched = [
    ...present.configurations
      .filter(({ settings }) => !known.has(settings.domainFqdn))
      .map(({ settings }) => `configuration ${settings.displayName} (${settings.domainFqdn})`),
    ...kept.map((guid) => `exclusion ${guid}`),
  ];
  const set = new Set(steps.flatMap((step) => (step.kind === "secrets" ? [step.domainFqdn] : [])));
  const secretsNotCompared = wanted.configurations
    .filter(({ secrets = {}, domainFqdn }) => Object.keys(secrets).length > 0 && !set.has(domainFqdn))
    .map(({ domainFqdn }) => domainFqdn);
  // Two services may have the same to do: what was looked at for one isn't approved for the other.
  const planned = canonical({ service: service.toLowerCase().replace(/\/+$/, ""), steps });
  const digest = createHash("sha256").update(planned).digest("base64url").slice(0, 22);
  return { steps, untouched, secretsNotCompared, digest };
}

function creationOf(own: WantedConfiguration, faults: string[]): PlanStep[] {
  const { domainFqdn, domainNetBios, displayName, content } = own;
  const { trustVisibility, defaultUsageLocation, signIn, ...settings } = own.settings;
  if (signIn === undefined) {
    faults.push(
      `${own.file}: settings.signIn is missing: ${domainFqdn} is new, and how its people sign in is a choice that a new job needs.`,
    );
    return [];
  }
  const country = typeof defaultUsageLocation === "string" ? { defaultUsageLocation } : {};
  const request: CreateRequest = {
    domainFqdn,
    domainNetBios,
    displayName,
    settings: { ...settings, ...country, signIn },
  };
  const change = trustVisibility ? { trustVisibility } : {};
  return [
    { kind: "create", domainFqdn, request },
    ...(trustVisibility
      ? [
          {
            kind: "settings" as const,
            domainFqdn,
            etag: null,
            change,
            differences: [{ what: "trustVisibility", before: false, after: true }],
          },
        ]
      : []),
    ...(content
      ? [
          {
            kind: "schema" as const,
            domainFqdn,
            file: content.file,
            expectedVersion: 1,
            schema: content.schema,
            differences: null,
          },
        ]
      : []),
  ];
}

function changesOf(
  own: WantedConfiguration,
  there: PresentConfiguration,
  secrets: SecretsStep | undefined,
  faults: string[],
): PlanStep[] {
  const { domainFqdn, file } = own;
  const { mode, firstExport } = own.settings;
  for (const [what, wants, has] of [
    ["domainNetBios", own.domainNetBios, there.settings.domainNetBios],
    ["settings.firstExport", firstExport ?? there.settings.firstExport, there.settings.firstExport],
  ] as const) {
    if (wants !== has)
      faults.push(
        `${file}: ${what} is '${has}' since ${domainFqdn} was made, and can't become '${wants}'. Write what it is.`,
      );
  }
  const { change, differences } = settingsChange(own, there);
  const steps: PlanStep[] = [];
  const modeStep: PlanStep[] =
    mode === undefined || mode === there.mode ? [] : [{ kind: "mode", domainFqdn, mode, before: there.mode }];
  if (mode === "staging") steps.push(...modeStep);
  if (differences.length > 0)
    steps.push({ kind: "settings", domainFqdn, etag: there.settings["@odata.etag"], change, differences });
  if (own.content && canonical(own.content.schema) !== canonical(there.schema))
    steps.push({
      kind: "schema",
      domainFqdn,
      file: own.content.file,
      expectedVersion: there.settings.schemaVersion,
      schema: own.content.schema,
      differences: diffSchemas(there.schema, own.content.schema),
    });
  if (secrets) steps.push(secrets);
  if (mode !== "staging") steps.push(...modeStep);
  return steps;
}

function settingsChange(own: WantedConfiguration, { settings: has }: PresentConfiguration) {
  const { mode: _mode, firstExport: _first, ...wants } = own.settings;
  const values: Readonly<Record<string, unknown>> = {
    ...wants,
    ...(wants.scope ? { scope: ordered(wants.scope) } : {}),
    displayName: own.displayName,
  };
  const present: Readonly<Record<string, unknown>> = {
    ...has,
    scope: ordered(has.scope),
    trustVisibility: has.trustVisibility !== null,
  };
  const change: Record<string, unknown> = {};
  const differences: Difference[] = [];
  for (const [name, after] of Object.entries(values)) {
    if (after === undefined) continue;
    const own = name === "lifecycle" ? partial(after, present[name]) : after;
    const found = differencesOf(name, present[name], own);
    if (found.length === 0) continue;
    change[name] = after;
    differences.push(...found);
  }
  // By its parts it is what the contract took from the file.
  return { change: change as JobSettingsChange, differences };
}

/** What of an object is named; the rest is as it is. */
function partial(wants: unknown, has: unknown): unknown {
  return { ...(has as object), ...(wants as object) };
}

/** By the places that differ; lists as a whole. */
function differencesOf(what: string, before: unknown, after: unknown): Difference[] {
  if (canonical(before) === canonical(after)) return [];
  if (!isObject(before) || !isObject(after)) return [{ what, before, after }];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => differencesOf(`${what}.${name}`, before[name], after[name]));
}

function exclusionsOf({ exclusions: list }: Wanted, { exclusions: there }: Present) {
  const wants = list?.exclusions ?? [];
  const exclude = wants.flatMap(({ guid, reason }): PlanStep[] => {
    const entry = there.find((own) => own.guid === guid);
    const { reason: before, "@odata.etag": etag } = entry ?? { reason: null, "@odata.etag": null };
    return before === reason ? [] : [{ kind: "exclude", guid, reason, before, etag }];
  });
  const others = list ? there.filter((own) => !wants.some(({ guid }) => own.guid === guid)) : [];
  const include = list?.prune
    ? others.map(({ guid, reason, ...own }): PlanStep => ({ kind: "include", guid, reason, etag: own["@odata.etag"] }))
    : [];
  return { exclude, include, kept: list?.prune ? [] : others.map(({ guid }) => guid) };
}

function ordered(scope: { readonly organizationalUnits: readonly string[]; readonly groups: readonly string[] }) {
  return {
    organizationalUnits: [...new Set(scope.organizationalUnits)].sort(),
    groups: [...new Set(scope.groups)].sort(),
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** JSON by which equal things have equal texts, whatever the order of their keys. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, own: unknown) =>
      isObject(own) ? Object.fromEntries(Object.entries(own).sort(([one], [other]) => (one < other ? -1 : 1))) : own,
    ) ?? ""
  );
}
