import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { differences, type Observations, observe } from "../../../local/real-host/observe.ts";
import { type SampleHost, startSampleHost } from "../sample-host.ts";

let host: SampleHost;
let seen: Observations;

beforeAll(async () => {
  host = await startSampleHost();
  seen = await observe({ url: host.url, limitMs: 10_000 });
});
afterAll(() => host.close());

describe("what the comparison with the real host sees of the local one", () => {
  it("holds the answers, without what differs by nature", () => {
    expect(seen["PUT echo/7/part%20two?a=1&b=%C3%A4&a=2"]).toMatchObject({
      status: 201,
      body: { url: "<host>/api/echo/7/part%20two?a=1&b=%C3%A4&a=2", query: { a: "1,2" } },
    });
    expect(seen["0 sum"]).toMatchObject({ runtimeStatus: "Completed", output: 90 });
    expect(seen["6 parent"]).toMatchObject({ output: [{ doubled: 4, id: "<id>:0", parent: "<id>" }, {}] });
    expect(seen["5 failing"]).toMatchObject({
      output: "Orchestrator function 'failing' failed: Activity function 'record' failed: doomed failed <details>",
    });
    expect(seen["start under a running id"]).toBe("409");
    expect(seen["terminated"]).toMatchObject({ runtimeStatus: "Terminated", output: "enough" });
  });

  it("has no orchestration that didn't end in time", () => {
    expect(JSON.stringify(seen)).not.toContain(" after 10000 ms");
  });

  it("is the same a second time, and shows a difference where there is one", async () => {
    const again = await observe({ url: host.url, limitMs: 10_000 });
    expect(differences(seen, again)).toEqual([]);
    expect(differences(seen, { ...again, "0 sum": 1 })).toEqual([["0 sum", JSON.stringify(seen["0 sum"]), "1"]]);
  });
});
