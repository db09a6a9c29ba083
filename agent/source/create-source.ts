/** The source that the settings name. */
import type { Clock } from "../../shared/ports/clock.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { AgentSource } from "../agent-source.ts";
import type { SourceSettings } from "../config.ts";
import { createLdapSource } from "./ldap/ldap-source.ts";
import { createLdifSource } from "./ldif/ldif-source.ts";

export interface SourceDeps {
  readonly settings: SourceSettings;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
}

export function createSource(deps: SourceDeps): AgentSource {
  const { settings, clock, log } = deps;
  if (settings.kind === "ldif") return createLdifSource({ settings, clock, log });
  return createLdapSource({ settings, clock, log, environment: deps.environment });
}
