/** The machine that a bench ran on: numbers mean nothing without it. */
import { cpus } from "node:os";

export function conditionsHere(): { readonly node: string; readonly platform: string; readonly cpus: string } {
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpus: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
  };
}
