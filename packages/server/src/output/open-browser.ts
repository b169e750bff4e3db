import { spawn } from "node:child_process";

/** Opens an address in the user's browser. @returns false when there is no program for it. */
export function openBrowser(url: string): Promise<boolean> {
  const [program, ...args] = commandFor(process.platform, url);
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: "ignore", detached: true });
    child.on("error", () => resolve(false));
    child.on("spawn", () => {
      child.unref();
      resolve(true);
    });
  });
}

function commandFor(platform: NodeJS.Platform, url: string): [string, ...string[]] {
  switch (platform) {
    case "darwin":
      return ["open", url];
    case "win32":
      // `start` is a word of the shell; its first quoted argument would be a window title.
      return ["cmd", "/c", "start", "", url.replaceAll("&", "^&")];
    default:
      return ["xdg-open", url];
  }
}
