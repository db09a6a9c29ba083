import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { isDisabled, readHostJson, resolveSettings, timeSpanMs } from "../../../local/functions-host/settings.ts";

describe("binding expressions", () => {
  it("take settings, several in a text", () => {
    expect(resolveSettings("%A%-x-%B%", { A: "1", B: "2" }, "x")).toBe("1-x-2");
  });

  it("name the setting that is missing and where it was asked for", () => {
    expect(() => resolveSettings("%A%", {}, "the schedule of function 'nightly'")).toThrow(
      /'%A%' in the schedule of function 'nightly'.*'A' is missing/,
    );
  });
});

describe("disabling a function", () => {
  it.each([
    [{ "AzureWebJobs.f.Disabled": "true" }, true],
    [{ "AzureWebJobs.f.Disabled": "1" }, true],
    [{ AzureWebJobs_f_Disabled: "True" }, true],
    [{ "AzureWebJobs.f.Disabled": "false" }, false],
    [{ "AzureWebJobs.g.Disabled": "true" }, false],
  ])("%o: %s", (env, expected) => {
    expect(isDisabled("f", env)).toBe(expected);
  });
});

describe("a TimeSpan", () => {
  it.each([
    ["00:05:00", 300_000],
    ["1.02:00:00", 93_600_000],
    ["00:00:00.250", 250],
    ["02:00", 7_200_000],
    ["5", undefined],
    ["0 */5 * * * *", undefined],
  ])("%s is %s ms", (text, expected) => {
    expect(timeSpanMs(text)).toBe(expected);
  });
});

describe("host.json", () => {
  it("has Azure's defaults where it says nothing", () => {
    const json = readHostJson({ version: "2.0" }, {});
    expect(json.functionTimeout).toBe(300_000);
    expect(json.extensions.http.routePrefix).toBe("api");
    expect(json.extensions.durableTask.storageProvider.workItemQueueVisibilityTimeout).toBe(300_000);
  });

  it("is overridden by settings, whatever the case of their names", () => {
    const json = readHostJson(
      { version: "2.0", extensions: { durableTask: { hubName: "A", maxConcurrentActivityFunctions: 3 } } },
      {
        AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions: "7",
        AZUREFUNCTIONSJOBHOST__extensions__durabletask__storageProvider__workItemQueueVisibilityTimeout: "00:00:02",
      },
    );
    expect(json.extensions.durableTask.maxConcurrentActivityFunctions).toBe(7);
    expect(json.extensions.durableTask.storageProvider.workItemQueueVisibilityTimeout).toBe(2000);
    expect(json.extensions.durableTask.hubName).toBe("A");
  });

  it("lists every fault in it", () => {
    const bad = { version: "1.0", functionTimeout: "soon", extensions: { serviceBus: { maxConcurrentCalls: 0 } } };
    expect(() => readHostJson(bad, {})).toThrow(
      /version[\s\S]*functionTimeout: 'soon' is no TimeSpan[\s\S]*serviceBus\.maxConcurrentCalls/,
    );
  });

  it("of this project can be used", async () => {
    const own: unknown = JSON.parse(await readFile(new URL("../../../host.json", import.meta.url), "utf8"));
    expect(readHostJson(own, {}).extensions.durableTask.hubName).toBe("UplinkHub");
  });
});
