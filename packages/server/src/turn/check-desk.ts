import { JoinTokenVerifier, parseName } from "@naru/signaling";
import { IpAddress } from "@naru/webrtc/bytes";
import type { Platform } from "@naru/webrtc/platform";
import { AnswerLimiter } from "@naru/webrtc/stun";
import type { IceUrls } from "./ice-servers.ts";
import { CHECK_CREDENTIAL_MS } from "./turn-credentials.ts";

/** What somebody needs to check the paths to this server. Answer of `/api/check-credentials`. */
export interface CheckCredentials extends IceUrls {
  /** For the TURN servers; missing when there are none. */
  readonly username?: string;
  readonly credential?: string;
  readonly lifetimeSeconds: number;
}

/** Who asks. */
export interface CheckRequest {
  readonly address: string;
  /** Host of the request without its port, as in a URL. */
  readonly host: string | undefined;
  /** `Sec-Fetch-Site`: what the browser says of the page that asks. */
  readonly fetchSite: string | undefined;
  /** The token and its room, where people need one. */
  readonly token: string | undefined;
  readonly room: string | undefined;
}

export type CheckAnswer =
  | { readonly status: 200; readonly body: CheckCredentials }
  | { readonly status: 401 | 403 | 429; readonly problem: string };

export interface CheckDeskOptions {
  readonly platform: Platform;
  /** Secret of the join tokens that are asked for; undefined when everybody may join. */
  readonly tokenSecret: string | undefined;
  readonly urls: (host: string | undefined) => IceUrls;
  readonly issue: () => { readonly username: string; readonly credential: string } | undefined;
}

/** A look at the page, some repetitions, then one in ten seconds. */
const PER_ADDRESS = { perSecond: 0.1, burst: 6 };

/** Checks that may run at the same time, whoever runs them. */
const MAX_ACTIVE = 64;

/**
 * Gives strangers what a check of their network needs and no more: credentials for a minute, with which nobody can be reached
 * but other relayed addresses of this server. Where people need a token to join, they need one here as well.
 */
export class CheckDesk {
  readonly #options: CheckDeskOptions;
  readonly #limiter: AnswerLimiter;
  readonly #verifier: JoinTokenVerifier | undefined;
  /** When the credentials that were given end, oldest first. */
  #active: number[] = [];

  constructor(options: CheckDeskOptions) {
    this.#options = options;
    this.#limiter = new AnswerLimiter(PER_ADDRESS, options.platform.random);
    this.#verifier =
      options.tokenSecret === undefined ? undefined : new JoinTokenVerifier(options.tokenSecret);
  }

  async answer(request: CheckRequest): Promise<CheckAnswer> {
    const { platform, urls, issue } = this.#options;
    // Other sites must not use up what their visitors may ask for.
    if (
      request.fetchSite !== undefined &&
      request.fetchSite !== "same-origin" &&
      request.fetchSite !== "none"
    ) {
      return { status: 403, problem: "This is for the check page of this server" };
    }
    const now = platform.now();
    const ip = IpAddress.parse(request.address);
    if (ip === undefined || !this.#limiter.allow(ip, now)) {
      return { status: 429, problem: "Too many checks from this address; wait ten seconds" };
    }
    const problem = await this.#tokenProblem(request);
    if (problem !== undefined) return { status: 401, problem };
    this.#active = this.#active.filter((end) => end > now);
    if (this.#active.length >= MAX_ACTIVE) {
      return { status: 429, problem: "Too many checks at the same time; wait a minute" };
    }
    const credential = issue();
    if (credential !== undefined) this.#active.push(now + CHECK_CREDENTIAL_MS);
    return {
      status: 200,
      body: {
        ...urls(request.host),
        ...(credential && { username: credential.username, credential: credential.credential }),
        lifetimeSeconds: CHECK_CREDENTIAL_MS / 1_000,
      },
    };
  }

  async #tokenProblem({ token, room }: CheckRequest): Promise<string | undefined> {
    if (this.#verifier === undefined) return undefined;
    const name = parseName(room ?? "");
    if (token === undefined || name === undefined)
      return "This server wants a token: ?room=<room>&token=<token>";
    const answer = await this.#verifier.verify(token, name, this.#options.platform.wallClock());
    return answer.isValid ? undefined : answer.reason;
  }
}
