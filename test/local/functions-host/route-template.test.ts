import { describe, expect, it } from "vitest";
import { parseRouteTemplate } from "../../../local/functions-host/route-template.ts";

describe("a route template", () => {
  it.each([
    ["api/users", "/api/users", {}],
    ["api/users", "/API/Users/", {}],
    ["api/users/{id}", "/api/users/7", { id: "7" }],
    ["api/users/{id}", "/api/users/J%C3%B6rg%20%2F", { id: "Jörg /" }],
    ["api/users/{id?}", "/api/users", {}],
    ["api/users/{id=9}", "/api/users", { id: "9" }],
    ["api/files/{*rest}", "/api/files/a/b/c.txt", { rest: "a/b/c.txt" }],
    ["api/files/{*rest}", "/api/files", {}],
    ["api/files/{**rest}", "/api/files/a/b", { rest: "a/b" }],
    ["api/{name}.{extension}", "/api/report.csv", { name: "report", extension: "csv" }],
    ["api/v{version}/x", "/api/v2/x", { version: "2" }],
    ["api/{n:int}", "/api/-5", { n: "-5" }],
    ["api/{n:int?}", "/api", {}],
    ["api/{g:guid}", "/api/0a1b2c3d-0000-1111-2222-333344445555", { g: "0a1b2c3d-0000-1111-2222-333344445555" }],
    ["api/{w:alpha:length(2,4)}", "/api/abc", { w: "abc" }],
    ["api/{n:range(1,10)}", "/api/10", { n: "10" }],
    ["api/{d:regex(^\\d{{4}}$)}", "/api/2024", { d: "2024" }],
    ["", "/", {}],
  ])("%s matches %s", (template, path, params) => {
    expect(parseRouteTemplate(template).match(path)).toEqual(params);
  });

  it.each([
    ["api/users", "/api/users/7"],
    ["api/users/{id}", "/api/users"],
    ["api/users/{id}", "/api/users/7/x"],
    ["api/{n:int}", "/api/x"],
    ["api/{n:int}", "/api/99999999999"],
    ["api/{g:guid}", "/api/7"],
    ["api/{b:bool}", "/api/yes"],
    ["api/{n:min(5)}", "/api/4"],
    ["api/{n:max(5)}", "/api/6"],
    ["api/{w:alpha:length(2,4)}", "/api/abcde"],
    ["api/{d:regex(^\\d{{4}}$)}", "/api/20245"],
    ["api/{name}.{extension}", "/api/report"],
  ])("%s doesn't match %s", (template, path) => {
    expect(parseRouteTemplate(template).match(path)).toBeUndefined();
  });

  it("goes before a less specific one", () => {
    const templates = ["x/{*rest}", "x/{id}", "x/{id:int}", "x/fixed"];
    const ordered = templates.map((text) => ({ text, order: parseRouteTemplate(text).order }));
    ordered.sort((a, b) => (a.order < b.order ? -1 : 1));
    expect(ordered.map(({ text }) => text)).toEqual(["x/fixed", "x/{id:int}", "x/{id}", "x/{*rest}"]);
  });

  it("names what it can't read", () => {
    expect(() => parseRouteTemplate("api/{n:integer}")).toThrow("'integer'");
    expect(() => parseRouteTemplate("api/{n")).toThrow("api/{n");
  });
});
