/** Shows an address in the person's own browser, by the platform's own means. */
import { spawn } from "node:child_process";

/** False where there is none. What happens to it is not waited for. */
export function openBrowser(url: string): boolean {
  const { platform, env } = process;
  if (platform === "linux" && !env["DISPLAY"] && !env["WAYLAND_DISPLAY"]) return false;
  const [command, ...args] =
    platform === "win32"
      ? ["rundll32", "url.dll,FileProtocolHandler", url]
      : [platform === "darwin" ? "open" : "xdg-open", url];
  const child = spawn(command ?? "", args, { stdio: "ignore", detached: true });
  // The address is printed, too.
  child.on("error", () => undefined);
  child.unref();
  return true;
}
