/**
 * Who may import whom, and what only the composition roots may build. The same rules stand in biome.json, where an
 * editor shows them; here each is also shown to bite, and a tree without files is a failure.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = normalize(join(import.meta.dirname, ".."));

type Place =
  | "domain"
  | "contracts"
  | "ports"
  | "application"
  | "adapters"
  | "config"
  | "stores"
  | "orchestrators"
  | "orchestration-support"
  | "activities"
  | "functions"
  | "agent"
  | "cli"
  | "local"
  | "bench"
  | "test"
  | "scripts";

/** The places that a place may import from, besides itself. `*` stands for every place but local, bench and test. */
const MAY_IMPORT: Readonly<Record<Place, readonly (Place | "*")[]>> = {
  domain: [],
  contracts: ["domain"],
  ports: ["domain", "contracts"],
  application: ["domain", "contracts", "ports", "stores"],
  adapters: ["domain", "contracts", "ports", "stores"],
  config: ["stores", "contracts", "domain"],
  stores: [],
  orchestrators: ["domain", "contracts", "orchestration-support"],
  "orchestration-support": ["domain", "contracts"],
  activities: ["domain", "contracts", "ports", "application", "orchestration-support"],
  functions: [
    "domain",
    "contracts",
    "ports",
    "application",
    "adapters",
    "config",
    "stores",
    "orchestrators",
    "orchestration-support",
    "activities",
  ],
  agent: ["domain", "contracts", "ports", "application"],
  cli: ["domain", "contracts", "ports", "application", "agent"],
  local: ["*"],
  bench: ["*", "local", "test"],
  test: ["*", "local", "bench", "scripts"],
  scripts: ["*", "local", "bench"],
};

/** Packages and built-ins that a place must not see. */
const FORBIDDEN_PACKAGES: Partial<Record<Place, RegExp>> = {
  domain: /./,
  contracts: /^(?!zod$)/,
  ports: /./,
  stores: /./,
  application: /^(@azure\/|durable-functions|ldapts|commander)/,
  adapters: /^durable-functions/,
  orchestrators: /^(?!durable-functions$)/,
  "orchestration-support": /^(?!durable-functions$)/,
  agent: /^(@azure\/|durable-functions)/,
  cli: /^(@azure\/|durable-functions)/,
};

function placeOf(path: string): Place | undefined {
  const [top, second, third] = path.split("/");
  if (top === "shared") {
    if (path === "shared/needs/stores.ts") return "stores";
    if (["config.ts", "settings.ts", "needs.ts", "needs"].includes(second ?? "")) return "config";
    return ["domain", "contracts", "ports", "application", "adapters"].includes(second ?? "")
      ? (second as Place)
      : undefined;
  }
  if (top === "orchestrations") {
    if (second === "activities") return "activities";
    return (third ?? second ?? "").endsWith(".orchestrator.ts") ? "orchestrators" : "orchestration-support";
  }
  return ["functions", "agent", "cli", "local", "bench", "test", "scripts"].includes(top ?? "")
    ? (top as Place)
    : undefined;
}

interface Import {
  readonly from: string;
  readonly what: string;
}

function importsOf(path: string, text: string): Import[] {
  const found = [
    ...text.matchAll(
      /^\s*(?:import|export)\b[^;"']*?from\s+["']([^"']+)["']|^\s*import\s+["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/gm,
    ),
  ];
  return found.map((match) => ({ from: path, what: match[1] ?? match[2] ?? match[3] ?? "" }));
}

/** Why an import is refused, or undefined. */
function refusal({ from, what }: Import): string | undefined {
  const place = placeOf(from);
  if (!place) return undefined;
  // Where the command line is put together; nothing else of it builds an adapter.
  if (from === "cli/watch.ts" && /^\.\.\/shared\/adapters\/telemetry\//.test(what)) return undefined;
  if (!what.startsWith("."))
    return FORBIDDEN_PACKAGES[place]?.test(what) ? `${from}: ${place} must not see '${what}'` : undefined;
  const target = relative(ROOT, normalize(join(ROOT, dirname(from), what)));
  const other = placeOf(target);
  if (!other || other === place) return undefined;
  const allowed = MAY_IMPORT[place];
  const isInner = !["local", "bench", "test", "scripts"].includes(other);
  return allowed.includes(other) || (allowed.includes("*") && isInner)
    ? undefined
    : `${from}: ${place} must not import ${other} (${what})`;
}

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder)).flatMap((name) => {
    const path = join(folder, name);
    if (name === "node_modules" || name === "fixtures") return [];
    return statSync(join(ROOT, path)).isDirectory() ? sources(path) : /\.(ts|mjs)$/.test(name) ? [path] : [];
  });
}

const TOPS = ["shared", "orchestrations", "functions", "agent", "cli", "local", "bench", "test", "scripts"];
const files = TOPS.flatMap((top) => sources(top));
const imports = files.flatMap((path) => importsOf(path, readFileSync(join(ROOT, path), "utf8")));

describe("architecture", () => {
  it("sees the tree", () => {
    for (const top of TOPS) expect(files.filter((path) => path.startsWith(`${top}/`)).length, top).toBeGreaterThan(0);
    expect(files.length).toBeGreaterThan(100);
    expect(imports.length).toBeGreaterThan(files.length);
  });

  it("keeps every layer", () => {
    expect(imports.flatMap((own) => refusal(own) ?? [])).toEqual([]);
  });

  it.each([
    ["shared/domain/plan.ts", "node:fs"],
    ["shared/domain/plan.ts", "zod"],
    ["shared/domain/plan.ts", "../ports/clock.ts"],
    ["shared/contracts/change.ts", "@azure/functions"],
    ["shared/contracts/change.ts", "../application/failure.ts"],
    ["shared/needs/stores.ts", "zod"],
    ["shared/application/lanes/tick.ts", "../../needs/alerts.ts"],
    ["shared/ports/clock.ts", "../adapters/memory/row-store.ts"],
    ["shared/application/lanes/tick.ts", "@azure/data-tables"],
    ["shared/application/lanes/tick.ts", "../../adapters/memory/row-store.ts"],
    ["shared/adapters/graph/graph-client.ts", "../../application/tick.ts"],
    ["orchestrations/sync-run.orchestrator.ts", "node:crypto"],
    ["orchestrations/sync-run.orchestrator.ts", "../shared/application/lanes/tick.ts"],
    ["orchestrations/sync-run.orchestrator.ts", "./activities/answer.ts"],
    ["orchestrations/activities/answer.ts", "../../shared/adapters/memory/row-store.ts"],
    ["functions/main.ts", "../agent/run.ts"],
    ["functions/main.ts", "../local/host-process.ts"],
    ["agent/agent.ts", "../functions/main.ts"],
    ["agent/agent.ts", "@azure/functions"],
    ["agent/agent.ts", "../shared/adapters/memory/row-store.ts"],
    ["cli/main.ts", "../local/host-process.ts"],
    ["cli/main.ts", "../test/support/cloud.ts"],
    ["local/host-process.ts", "../test/support/cloud.ts"],
  ])("refuses that %s imports %s", (from, what) => {
    expect(refusal({ from, what })).toBeDefined();
  });

  it("finds imports however they are written", () => {
    const text =
      'import { a } from "./a.ts";\nimport type { B,\n  C } from "./b.ts";\nexport * from "./c.ts";\nimport "./d.ts";\nconst e = await import("./e.ts");\n';
    expect(importsOf("x.ts", text).map((own) => own.what)).toEqual(["./a.ts", "./b.ts", "./c.ts", "./d.ts", "./e.ts"]);
  });

  it("lets only the composition roots, local and tests build the cloud's adapters", () => {
    const builders = imports.filter(
      (own) =>
        own.what.includes("/adapters/") && placeOf(own.from) !== "adapters" && !/^(test|local|bench)\//.test(own.from),
    );
    // The last two put telemetry together: of the service, and of the agent.
    expect([...new Set(builders.map((own) => own.from))].sort()).toEqual([
      "cli/watch.ts",
      "functions/cloud-side.ts",
      "functions/telemetry.ts",
    ]);
  });

  it("keeps bindings thin", () => {
    const bindings = files.filter((path) => /^functions\/(main|.*\.(http|queue|timer))\.ts$/.test(path));
    expect(bindings.length).toBeGreaterThan(5);
    const long = bindings.filter((path) => readFileSync(join(ROOT, path), "utf8").split("\n").length > 80);
    expect(long).toEqual([]);
  });

  it("asks of Durable only what every backend does alike: no events, no entities, no Task.any, no callHttp, no rewind", () => {
    const avoided =
      /\b(waitForExternalEvent|raiseEvent|callEntity|signalEntity|readEntityState|callHttp)\b|\bapp\.entity\b|\bTask\.any\b|\bdf\.(lock|isLocked)\b|\.rewind\(/;
    for (const use of ["df.Task.any([a])", "context.df.callEntity(id)", "df.app.entity('x', f)", "client.rewind(id)"]) {
      expect(use).toMatch(avoided);
    }
    const product = files.filter((path) => /^(shared|orchestrations|functions|agent|cli)\//.test(path));
    expect(product.length).toBeGreaterThan(50);
    expect(product.filter((path) => avoided.test(readFileSync(join(ROOT, path), "utf8")))).toEqual([]);
  });
});
