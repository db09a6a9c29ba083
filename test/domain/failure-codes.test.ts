import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withCodes } from "../../scripts/readme-tables.ts";
import { FAILURE_CODES, FAILURES, failureKindOf, gapAfter, isFailureCode } from "../../shared/domain/failure-codes.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** Of jobs, not of objects: `trouble`, quarantine and reads. */
const OF_JOBS = ["ScopeObjectMissing", "TooManyFailures", "ReadAborted"];

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(ROOT, folder, name));
}

describe("the table of codes", () => {
  it("has every code that the sources name", () => {
    const used = ["shared/application", "shared/adapters", "shared/domain"]
      .flatMap(sources)
      .flatMap((file) =>
        [...readFileSync(file, "utf8").matchAll(/\bcode: "([A-Z][A-Za-z]+)"/g)].map(([, code]) => code),
      );
    expect(used.length).toBeGreaterThan(15);
    expect([...new Set(used)].filter((code) => !isFailureCode(code ?? "") && !OF_JOBS.includes(code ?? ""))).toEqual(
      [],
    );
  });

  it("is what the runbook shows (npm run docs)", () => {
    const runbook = readFileSync(join(ROOT, "docs", "runbook.md"), "utf8");
    expect(withCodes(runbook)).toBe(runbook);
    for (const code of FAILURE_CODES) expect(runbook).toContain(`\`${code}\``);
  });

  it("says of each what it means and what to do", () => {
    for (const code of FAILURE_CODES) {
      const { meaning, action, retry, category } = FAILURES[code];
      expect(meaning, code).toMatch(/^[A-Z].{10,}[^.]$/);
      expect(action, code).toMatch(/^[A-Z].{10,}\.$/);
      expect(category, code).toBe(retry === "auto" ? "failure" : retry === "fix" ? "nonServiceFailure" : "success");
    }
  });

  it("counts references apart, and neither rights nor what is only told", () => {
    const counted = (how: string) => FAILURE_CODES.filter((code) => FAILURES[code].counts === how);
    expect(counted("reference")).toEqual(["UnableToResolveReferenceAttributeValue"]);
    expect(counted("no").filter((code) => FAILURES[code].retry !== "skip")).toEqual(["InsufficientRights"]);
  });
});

describe("the gap before the next attempt", () => {
  it("grows from its code's first to its ceiling and never shrinks (law)", () => {
    for (const code of FAILURE_CODES) {
      const { firstMinutes, factor, mostMinutes } = FAILURES[code].backoff;
      const gaps = Array.from({ length: 30 }, (_, index) => gapAfter(code, index + 1));
      expect(gaps[0], code).toBe(firstMinutes * 60_000);
      expect(gaps.at(-1), code).toBe(mostMinutes * 60_000);
      expect(gaps.every((gap, index) => index === 0 || gap >= (gaps[index - 1] ?? 0))).toBe(true);
      expect(gaps[1], code).toBe(Math.min(firstMinutes * factor, mostMinutes) * 60_000);
    }
  });

  it("is the cause's own: a busy target is asked soon, a fault of the target within 40 minutes, bad data in hours", () => {
    const minutes = (code: string, attempts: number) => gapAfter(code, attempts) / 60_000;
    expect([1, 2, 3, 4, 5, 6, 7].map((attempt) => minutes("InternalServerError", attempt))).toEqual([
      2, 4, 8, 16, 32, 40, 40,
    ]);
    expect([1, 2, 9].map((attempt) => minutes("TooManyRequests", attempt))).toEqual([1, 2, 30]);
    expect([1, 2, 3, 9].map((attempt) => minutes("AttributeMappingFailed", attempt))).toEqual([10, 60, 360, 1440]);
    expect(minutes("EntryChanged", 1)).toBe(0.5);
  });

  it("of a code that nobody knows any more is an admin's", () => {
    expect(failureKindOf("FromAnOlderVersion")).toBe(FAILURES.UnprocessableEntity);
  });
});
