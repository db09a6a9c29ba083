/**
 * Loads a functions app once, as the worker does, and prints how long that took: milliseconds from before the bundle is read until every
 * function is registered, the CPU of that, and the process's memory after it. Plain CommonJS, so that nothing but the bundle is measured.
 */
const Module = require("node:module");

let functions = 0;
class Disposable {
  dispose() {}
}
const core = {
  version: "3.13.0",
  hostVersion: "4.0.0",
  Disposable,
  log() {},
  registerHook: () => new Disposable(),
  setProgrammingModel() {},
  getProgrammingModel() {},
  registerFunction() {
    functions++;
    return new Disposable();
  },
};
const usual = Module.prototype.require;
Module.prototype.require = function (id) {
  return id === "@azure/functions-core" ? core : usual.call(this, id);
};

const began = performance.now();
const usedBefore = process.cpuUsage();
require(process.argv[2]);
const ms = performance.now() - began;
const { user, system } = process.cpuUsage(usedBefore);
const cpuMs = (user + system) / 1000;
process.stdout.write(JSON.stringify({ ms, cpuMs, functions, rssBytes: process.memoryUsage().rss }), () =>
  process.exit(0),
);
