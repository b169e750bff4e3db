/**
 * Stock browsers, driven as they come from the distribution: Chromium over CDP, Firefox ESR over WebDriver BiDi.
 * Camera and microphone are the browsers' own fakes (a moving picture and a tone).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer, { type Browser, type LaunchOptions, type Page } from "puppeteer-core";
import type { LabHost } from "./network-lab.ts";
import { findProgram } from "./requirements.ts";

/** The two browsers of the tests. */
export type BrowserName = "chromium" | "firefox";

/** How a browser is launched. */
export interface BrowserOptions {
  /** Language it asks for. Default `en-US`. */
  readonly language?: string;
  /** False: there is no camera and no microphone to be had. Default true. */
  readonly devices?: boolean;
  /** Able to share its screen: Firefox needs a display for that, so it gets a virtual one. Default false. */
  readonly screen?: boolean;
  /** More command line arguments. */
  readonly args?: readonly string[];
  /** Where it runs: Chromium only, since Firefox is spoken to over the network. Default: here. */
  readonly host?: LabHost;
  /** More preferences, for Firefox. */
  readonly preferences?: Readonly<Record<string, unknown>>;
}

/** A running browser with a profile of its own. */
export interface TestBrowser {
  readonly name: BrowserName;
  readonly browser: Browser;
  /** Opens a page whose uncaught errors are collected in {@link TestBrowser.errors}. */
  newPage(): Promise<Page>;
  /** Uncaught errors of its pages so far. */
  readonly errors: readonly string[];
  /** Kills it with everything it started, and removes its profile. Never throws. */
  close(): Promise<void>;
}

const LAUNCH_TIMEOUT_MS = 45_000;
/** How long a browser may take to close before it is killed. */
const CLOSE_TIMEOUT_MS = 5_000;

/** Starts a browser. The caller closes it. */
export async function launchBrowser(name: BrowserName, options: BrowserOptions = {}): Promise<TestBrowser> {
  const program = findProgram(name);
  if (program === undefined) throw new Error(`${name} is not installed`);
  const executablePath = options.host === undefined ? program : options.host.launcher(program);
  const profile = mkdtempSync(join(tmpdir(), `naru-${name}-`));
  const display = name === "firefox" && options.screen === true ? await startDisplay() : undefined;
  const common: LaunchOptions = {
    executablePath,
    userDataDir: profile,
    acceptInsecureCerts: true,
    timeout: LAUNCH_TIMEOUT_MS,
    // A protocol call that never returns must not outlive the test.
    protocolTimeout: 60_000,
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
    defaultViewport: { width: 1280, height: 800 },
  };
  const launch = name === "chromium" ? chromiumOptions(options) : firefoxOptions(options, display?.name);
  const errors: string[] = [];
  try {
    const browser = await puppeteer.launch({ ...common, ...launch });
    return {
      name,
      browser,
      errors,
      newPage: () => openPage(browser, errors),
      async close(): Promise<void> {
        await closeBrowser(browser);
        display?.stop();
        removeProfile(profile);
      },
    };
  } catch (error) {
    display?.stop();
    removeProfile(profile);
    throw error;
  }
}

/** Ends a browser at once, as a crash would: no page learns of it, no connection is closed properly. */
export function killBrowser(browser: TestBrowser): void {
  browser.browser.process()?.kill("SIGKILL");
}

function chromiumOptions(options: BrowserOptions): LaunchOptions {
  const language = options.language ?? "en-US";
  return {
    browser: "chrome",
    headless: true,
    pipe: true,
    env: { ...process.env, LANGUAGE: language },
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
      "--autoplay-policy=no-user-gesture-required",
      "--auto-select-desktop-capture-source=Entire screen",
      `--lang=${language}`,
      `--accept-lang=${language}`,
      ...(options.devices === false
        ? ["--use-fake-ui-for-media-stream"]
        : ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]),
      ...(options.args ?? []),
    ],
  };
}

function firefoxOptions(options: BrowserOptions, display: string | undefined): LaunchOptions {
  return {
    browser: "firefox",
    headless: display === undefined,
    env: display === undefined ? { ...process.env } : { ...process.env, DISPLAY: display },
    args: [...(options.args ?? [])],
    extraPrefsFirefox: {
      "media.navigator.streams.fake": options.devices !== false,
      "media.navigator.permission.disabled": true,
      "media.autoplay.default": 0,
      "media.autoplay.blocking_policy": 0,
      "intl.accept_languages": options.language ?? "en-US",
      "network.captive-portal-service.enabled": false,
      "network.connectivity-service.enabled": false,
      ...options.preferences,
    },
  };
}

async function openPage(browser: Browser, errors: string[]): Promise<Page> {
  const page = await browser.newPage();
  page.on("pageerror", (error) => {
    errors.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  });
  return page;
}

async function closeBrowser(browser: Browser): Promise<void> {
  const child = browser.process();
  const closed = browser.close().catch(() => undefined); // It may be dead already, which is what we want.
  await Promise.race([closed, delay(CLOSE_TIMEOUT_MS)]);
  if (child !== null && child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
}

/** A virtual display on a free number. */
async function startDisplay(): Promise<{ readonly name: string; stop(): void }> {
  const path = findProgram("xvfb");
  if (path === undefined) throw new Error("Xvfb is not installed");
  const child = spawn(path, ["-displayfd", "3", "-screen", "0", "1280x800x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const output = child.stdio[3];
  if (output === null || output === undefined) throw new Error("Xvfb has no output");
  const [chunk] = await Promise.race([
    once(output, "data"),
    once(child, "exit"),
    delay(10_000).then(() => []),
  ]);
  const number = /^\d+/.exec(String(chunk))?.[0];
  if (number === undefined) {
    child.kill("SIGKILL");
    throw new Error("Xvfb did not start");
  }
  return { name: `:${number}`, stop: () => void child.kill("SIGTERM") };
}

function removeProfile(profile: string): void {
  // A browser that was killed may still be writing for a moment.
  rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
