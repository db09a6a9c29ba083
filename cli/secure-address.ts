/** Where tokens may go: over https, or nowhere but to this machine. Whether the right one answers there is TLS' business. */
import { AgentError } from "../agent/agent-error.ts";

/** `named`: the option or variable that holds the address. Without slashes at its end; throws `AgentError` config-invalid. */
export function secureAddress(named: string, address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isLocal = url !== undefined && ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isLocal)) return address.replace(/\/+$/, "");
  throw new AgentError(
    "config-invalid",
    `${named} '${address}' is no https address.`,
    "Give one that begins with https://.",
  );
}
