/**
 * The clouds that a target may lie in, with their endpoints. Part of the table of needs: the infrastructure takes the settings of the
 * target from here, by its parameter `targetCloud`.
 *
 * A managed identity's federation stays within its cloud: a target in another one takes a certificate.
 */

export interface TargetCloud {
  /** As the deployment names it (`environment().name`): where federation works. */
  readonly azureName: string;
  readonly graphUrl: string;
  readonly authorityUrl: string;
  /** What a managed identity's token is for, when it is exchanged for the application's. */
  readonly exchangeAudience: string;
}

export const TARGET_CLOUDS = {
  public: {
    azureName: "AzureCloud",
    graphUrl: "https://graph.microsoft.com/v1.0",
    authorityUrl: "https://login.microsoftonline.com",
    exchangeAudience: "api://AzureADTokenExchange",
  },
  usgov: {
    azureName: "AzureUSGovernment",
    graphUrl: "https://graph.microsoft.us/v1.0",
    authorityUrl: "https://login.microsoftonline.us",
    exchangeAudience: "api://AzureADTokenExchangeUSGov",
  },
  china: {
    azureName: "AzureChinaCloud",
    graphUrl: "https://microsoftgraph.chinacloudapi.cn/v1.0",
    authorityUrl: "https://login.partner.microsoftonline.cn",
    exchangeAudience: "api://AzureADTokenExchangeChina",
  },
} as const satisfies Readonly<Record<string, TargetCloud>>;
