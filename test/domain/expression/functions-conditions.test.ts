/** IIF, Switch, Not, CBool, Error, and the functions that ask for null and empty. */

import { describe, expect, it } from "vitest";
import { run, type Source, text } from "./support.ts";

type Row = readonly [expression: string, source: Source, expected: string];
const decide = (rows: readonly Row[]) =>
  it.each(rows)("%s over %j gives %s", (expression, source, expected) => {
    expect(text(expression, source)).toBe(expected);
  });

describe("IIF", () => {
  decide([
    ['IIF([country]="USA",[country],[department])', { country: "USA", department: "Sales" }, "USA"],
    ['IIF([country]="USA",[country],[department])', { country: "usa", department: "Sales" }, "Sales"],
    ['IIF([country]="USA",[country],[department])', { department: "Sales" }, "Sales"],
    ['IIF([country]="USA",[country],[department])', { country: "France" }, "null"],
    ['IIF(IsNullOrEmpty([ou]), "OU=Default", [ou])', {}, "OU=Default"],
    ['IIF(IsNullOrEmpty([ou]), "OU=Default", [ou])', { ou: "" }, "OU=Default"],
    ['IIF(IsNullOrEmpty([ou]), "OU=Default", [ou])', { ou: "OU=Sales" }, "OU=Sales"],
    ['IIF(IsPresent([t]), IIF(IsPresent([m]),"false", "true"), "false")', { t: "1" }, "true"],
    ['IIF(IsPresent([t]), IIF(IsPresent([m]),"false", "true"), "false")', { t: "1", m: "2" }, "false"],
    ['IIF(1 < 2, "y", "n")', {}, "y"],
    ['IIF(-1 < 0, "y", "n")', {}, "y"],
    ['IIF("9" < "10", "y", "n")', {}, "y"],
    ['IIF("9.5" < "10", "y", "n")', {}, "y"],
    ['IIF([n] >= 9, "y", "n")', { n: "10.25" }, "y"],
    ['IIF([n] > [m], "y", "n")', { n: "1.10", m: "1.1" }, "n"],
    ['IIF([n] >= [m], "y", "n")', { n: "-1.50", m: "-1.5" }, "y"],
    ['IIF([n] = 9, "y", "n")', { n: "9.0" }, "y"],
    ['IIF([n] = "9", "y", "n")', { n: "9.0" }, "n"],
    ['IIF([n] > 9223372036854775806, "y", "n")', { n: "9223372036854775807" }, "y"],
    ['IIF("a" < "b", "y", "n")', {}, "y"],
    ['IIF("B" < "a", "y", "n")', {}, "y"],
    ['IIF([t] = "true", "y", "n")', { t: true }, "y"],
    ['IIF([t] <> "True", "y", "n")', { t: false }, "y"],
    ['IIF([a] = [b], "y", "n")', { a: "x", b: "x" }, "y"],
    ['IIF([a] = [b], "y", "n")', {}, "n"],
    ['IIF([a] <> [b], "y", "n")', { a: "x" }, "n"],
    ['IIF(Now() >= CDate([d]), "y", "n")', { d: "2026-01-15" }, "y"],
    ['IIF(Not([f]), "y", "n")', { f: "False" }, "y"],
    ['IIF("True", "y", "n")', {}, "y"],
    ['IIF(0, "y", "n")', {}, "n"],
    ['IIF([a], "y", "n")', {}, "n"],
    ['IIF("1"="2", Error("no"), "n")', {}, "n"],
    ['IIF("1"="1", "y", )', {}, "y"],
    ['IIF("1"="2", "y", )', {}, "null"],
    ['IIF("1"="2", "y")', {}, "failure: arity"],
    ["IIF()", {}, "failure: arity"],
    ['IIF([a]="x" AND [b]="y","1","2")', {}, "failure: unsupported"],
    ['IIF(AND([a]="x",[b]="y"),"1","2")', {}, "failure: unsupported"],
    ['IIF([a]="x" and [b]="y","1","2")', {}, "failure: unsupported"],
    ['IIF([a] == "x","1","2")', {}, "failure: parse"],
    ['IIF([a] != "x","1","2")', {}, "failure: parse"],
    ['IIF([a]="x" || [b]="y","1","2")', {}, "failure: unsupported"],
  ]);
});

describe("Switch", () => {
  const flags = 'Switch([f], "Default Value", "true", "1", "", "0")';
  const nested = 'Switch([l], Switch([a], , "1", "False", "0", "True"), "gone", "True")';
  decide([
    [flags, { f: "true" }, "1"],
    [flags, { f: "True" }, "Default Value"],
    [flags, { f: true }, "Default Value"],
    [flags, { f: " " }, "Default Value"],
    [flags, {}, "0"],
    ['Switch(ToLower([f]), "0", "true", "1", "false", "0")', { f: "TRUE" }, "1"],
    ['Switch([a],[a],"","Other")', { a: "x" }, "x"],
    ['Switch([a], , "0", "True", "1", "False")', { a: "2" }, "null"],
    ['Switch([a], , "0", "True", "1", "False")', { a: 1 }, "False"],
    ['Switch([a], "", "x", "y")', {}, ""],
    ['Switch([a], "d", "x", "y")', { a: ["x", "z"] }, "y"],
    ['Switch([a], "d", [k], "y")', { a: "x", k: "x" }, "y"],
    ['Switch([a], "d", [k], "y")', { a: "x" }, "d"],
    ['Switch([a], "d", [k], "y")', {}, "y"],
    ['Switch([a], "d", "x", "1", "x", "2")', { a: "x" }, "1"],
    ['Switch([a], "d", 5, "five")', { a: "5" }, "five"],
    ['Switch(CBool([a]), "d", "True", "on", "False", "off")', { a: "0" }, "off"],
    ['Switch(IsPresent([a]), "none", "True", [a])', { a: "x" }, "x"],
    ['Switch([a], Error("unknown"), "x", "y")', { a: "x" }, "y"],
    ['Switch([a], Error("unknown"), "x", "y")', { a: "z" }, "error: custom"],
    [nested, { l: "gone", a: "1" }, "True"],
    [nested, { a: "2" }, "null"],
    ['Switch\n  (\n [a],\n [b],\n "x", Append([b], "(X)")\n )', { a: "x", b: "B" }, "B(X)"],
    ['Switch([a], "d")', {}, "failure: arity"],
    ["Switch([a])", {}, "failure: arity"],
    ['Switch([a], "d", "k")', {}, "failure: arity"],
    ['Switch([a], "d", "k", "v", "k2")', {}, "failure: arity"],
    ['Switch(, "d", "k", "v")', {}, "failure: arity"],
    ['Switch([a], "d", , "v")', {}, "failure: arity"],
    ['Switch([a], "d", "k", )', {}, "failure: arity"],
    ['switch([a], "d", "k", "v")', {}, "failure: unknown-function"],
  ]);
});

describe("Not and CBool", () => {
  decide([
    ['Not("True")', {}, "False"],
    ['Not("False")', {}, "True"],
    ['Not("no")', {}, "True"],
    ["Not([a])", {}, "True"],
    ["Not([a])", { a: true }, "False"],
    ["Not([a])", { a: false }, "True"],
    ["Not(IsPresent([a]))", {}, "True"],
    ["Not(1)", {}, "True"],
    ["Not()", {}, "failure: arity"],
    ["CBool(1)", {}, "True"],
    ["CBool(0)", {}, "False"],
    ["CBool(&H10)", {}, "True"],
    ['CBool("0")', {}, "False"],
    ["CBool([a])", { a: "" }, "False"],
    ["CBool([a])", { a: "TRUE" }, "True"],
    ["CBool([a])", { a: "maybe" }, "error: conversion"],
    ["CBool([a] = [b])", { a: "1", b: "2" }, "False"],
    ["CBool([a] = [b])", { a: "x", b: "X" }, "False"],
    ["CBool([a] <> [b])", { a: "x", b: "X" }, "True"],
    ['CBool(InStr("abc", "d"))', {}, "False"],
    ["CBool()", {}, "failure: arity"],
  ]);
});

describe("null, absent, empty and ignored are four things", () => {
  decide([
    ["[a]", {}, "null"],
    ["[a]", { a: null }, "null"],
    ["[a]", { a: [] }, "null"],
    ["[a]", { a: "" }, ""],
    ['""', {}, "null"],
    ['"x"', {}, "x"],
    ['Append("", "")', {}, ""],
    ["IsNull([a])", {}, "True"],
    ["IsNull([a])", { a: "" }, "False"],
    ['IsNull("")', {}, "False"],
    ["IsNothing([a])", {}, "True"],
    ["IsNothing([a])", { a: "" }, "False"],
    ["IsNullOrEmpty([a])", {}, "True"],
    ["IsNullOrEmpty([a])", { a: " " }, "False"],
    ["IsNullOrEmpty([a])", { a: 0 }, "False"],
    ["IsNullOrEmpty([a])", { a: false }, "False"],
    ["IsPresent([a])", { a: "" }, "False"],
    ["IsPresent([a])", { a: " " }, "True"],
    ["IsPresent([a])", { a: ["x"] }, "True"],
    ['IsNull(Switch([a], , "x", "y"))', { a: "z" }, "True"],
    ["IsNull(Trim([a]))", {}, "True"],
    ["IsString([a])", { a: "" }, "True"],
    ["IsString([a])", { a: true }, "True"],
    ["IsString(Now())", {}, "True"],
    ["IsString([a])", {}, "False"],
    ["IsString([a])", { a: { $binary: "AAAA" } }, "False"],
    ["Coalesce([a],[b])", { b: "x" }, "x"],
    ["Coalesce([a],[b])", { a: "", b: "x" }, ""],
    ['Coalesce([a],[b],"")', {}, ""],
    ["Coalesce([a],[b])", {}, "null"],
    ["Coalesce([a],[b])", { a: ["x", "y"] }, "x | y"],
    ['Coalesce(Error("no"),"x")', {}, "error: custom"],
    ['Coalesce("x",Error("no"))', {}, "x"],
    ["Coalesce([a])", { a: "x" }, "x"],
    ["Coalesce()", {}, "failure: arity"],
    ["IgnoreFlowIfNullOrEmpty([a])", { a: "" }, "ignored"],
    ["IgnoreFlowIfNullOrEmpty([a])", { a: [] }, "ignored"],
    ["IgnoreFlowIfNullOrEmpty([a])", { a: " " }, " "],
    ["IgnoreFlowIfNullOrEmpty([a])", { a: ["x", "y"] }, "x | y"],
    ['IgnoreFlowIfNullOrEmpty(Replace([a],"x", , ,"", , ))', { a: "xx" }, "ignored"],
    ['IIF([a]="x", IgnoreFlowIfNullOrEmpty([b]), "y")', { a: "x" }, "ignored"],
    ['IIF([a]="x", IgnoreFlowIfNullOrEmpty([b]), "y")', { a: "z" }, "y"],
    ["IgnoreFlowIfNullOrEmpty()", {}, "failure: arity"],
    ['[a] & "x"', {}, "x"],
    ["[a] & [b]", {}, "null"],
    ['"" & ""', {}, ""],
  ]);
});

describe("Error", () => {
  it.each([
    ['Error("AccountName is required")', "AccountName is required"],
    ['IIF(IsPresent([a]),[a],Error("No " & "name: \\"\\""))', 'No name: ""'],
    ['Append(Error("inside"), "x")', "inside"],
  ])("%s says so, word for word", (expression, message) => {
    expect(run(expression, {})).toEqual({ kind: "error", code: "custom", message });
  });
});

describe("Redact", () => {
  decide([
    ["Redact([a])", { a: "secret" }, "secret"],
    ["Redact([a])", {}, "null"],
    ['Redact("StringToBeRedacted")', {}, "StringToBeRedacted"],
    ["Redact()", {}, "failure: arity"],
  ]);
});

describe("names without a documented meaning", () => {
  decide([
    ["DefaultDomain()", {}, "failure: unsupported"],
    ["AppRoleAssignments([a])", {}, "failure: unsupported"],
  ]);
});
