/** What is taken for a trace, the trace of a batch, and what is taken out of prose. */
import { expect, it } from "vitest";
import { batchTrace } from "../../shared/application/reading/batch-trace.ts";
import { headersOf } from "../../shared/domain/header-list.ts";
import { withoutNames } from "../../shared/domain/names-in-text.ts";
import { parseTraceparent, traceparentOf } from "../../shared/domain/trace-context.ts";

const VALID = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

it("takes a whole traceparent and nothing else", () => {
  expect(parseTraceparent(VALID)).toEqual({ traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" });
  for (const wrong of [
    ...[
      undefined,
      null,
      5,
      "",
      `${VALID}-x`,
      ` ${VALID}`,
      VALID.toUpperCase(),
      VALID.slice(1),
      VALID.replace("00-", "ff-"),
    ],
    ...[VALID.replace(/4b[^-]*/, "0".repeat(32)), VALID.replace("00f067aa0ba902b7", "0".repeat(16)), `${VALID}\n`],
  ])
    expect(parseTraceparent(wrong), String(wrong)).toBeUndefined();
  expect(traceparentOf(parseTraceparent(VALID)!)).toBe(VALID);
});

it("a batch has one trace, however often it is asked for, and another batch another", () => {
  expect(parseTraceparent(batchTrace("job-1-1"))).toBeDefined();
  expect(batchTrace("job-1-1")).toBe(batchTrace("job-1-1"));
  expect(batchTrace("job-1-1")).not.toBe(batchTrace("job-1-2"));
});

it.each([
  ["ann@corp.example is taken", "[name] is taken"],
  ["(ann.o'neil+x@mail.corp.example)", "([name])"],
  ["mail=jörg@müller.example;", "mail=[name];"],
  ["No such object: CN=Ann Miller,OU=Sales,DC=corp,DC=example.", "No such object: [name]."],
  ["cn=Miller\\, Ann,ou=A B,dc=corp,dc=example has gone", "[name] has gone"],
  ["<GUID=1>;CN=Ann,CN=Users,DC=c,DC=d", "<GUID=1>;[name]"],
  ["1.2.3.4:443 dc1.corp.example @azure/identity 00f0-67aa", "1.2.3.4:443 dc1.corp.example @azure/identity 00f0-67aa"],
  ["x=1, lane=live, state=running", "x=1, lane=live, state=running"],
])("takes names out of %j", (text, told) => {
  expect(withoutNames(text)).toBe(told);
});

it("reads headers as OpenTelemetry's environment has them", () => {
  expect(headersOf("a=b%20c, x-key = d=e,,=f,broken=%E0%A4%A")).toEqual({
    a: "b c",
    "x-key": "d=e",
    broken: "%E0%A4%A",
  });
  expect(headersOf("")).toEqual({});
});
