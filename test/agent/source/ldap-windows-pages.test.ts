/** Reading a domain controller that makes pages, ranges and cookies as Windows does. */
import { describe, expect, it } from "vitest";
import { useDirectory } from "./directory-fixture.ts";

const f = useDirectory();

describe("pages", () => {
  it("reads all of a domain of many pages once, and nothing again from the cookie", async () => {
    const dc = f.served.dc;
    const guids = Array.from({ length: 2_500 }, (_, index) => dc.add({ class: "user", name: `User ${index}` }));
    const { pages, changes, watermark, error } = await f.read();
    expect(error).toBeUndefined();
    expect(changes.map(({ objectGuid }) => objectGuid)).toEqual(guids);
    expect(f.served.server.searches.filter(({ dirSync }) => dirSync !== undefined)).toHaveLength(4);
    expect(pages.filter(({ isLast }) => isLast)).toHaveLength(1);
    expect((await f.delta(watermark)).changes).toEqual([]);
  });
});
