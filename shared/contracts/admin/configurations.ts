/**
 * The admin API of configurations, one for each domain that is read: what they are called. Their jobs and the tokens by
 * which agents enrol have files of their own.
 */
import { z } from "zod";
import { CreateConfigurationRequest } from "../configuration.ts";
import { operation } from "../operation.ts";
import { listOf, ShortPage } from "./paging.ts";

export const ConfigurationReply = z.strictObject({
  id: z.string(),
  jobId: z.string(),
  displayName: z.string(),
  domainFqdn: z.string(),
});
export type ConfigurationReply = z.infer<typeof ConfigurationReply>;

export const createConfiguration = operation({
  id: "CreateConfiguration",
  method: "POST",
  path: "v1.0/uplink/configurations",
  guard: "admin-write",
  summary: "Makes a configuration with its job; asked again for the same domain, it answers the one that exists.",
  body: CreateConfigurationRequest,
  reply: ConfigurationReply,
  statuses: [201, 200],
  mindsExisting: true,
});

export const listConfigurations = operation({
  id: "ListConfigurations",
  method: "GET",
  path: "v1.0/uplink/configurations",
  guard: "admin-read",
  summary: "The configurations, one for each directory.",
  query: z.strictObject(ShortPage),
  reply: listOf(ConfigurationReply),
});
