/** `npm run reset`: empties the local runtime's folder (`.uplink`, or UPLINK_HOME), unless a runtime runs there. */
import { register } from "tsx/esm/api";

register();
const { resetHome } = await import("../local/start/reset.ts");
process.exitCode = await resetHome(process.env);
