/** The part of multicast-dns 7.2 that `mdns.ts` uses. */
declare module "multicast-dns" {
  interface Question {
    readonly name: string;
    readonly type: string;
  }

  interface Answer {
    readonly name: string;
    readonly type: string;
    readonly ttl?: number;
    /** Replaces what was known of the name (RFC 6762 §10.2). */
    readonly flush?: boolean;
    readonly data?: unknown;
  }

  interface Options {
    readonly port?: number;
    readonly interface?: string;
    readonly bind?: string;
    readonly ttl?: number;
  }

  interface Responder {
    on(event: "query", listener: (query: { readonly questions: readonly Question[] }) => void): void;
    on(event: "response", listener: (response: { readonly answers: readonly Answer[] }) => void): void;
    on(event: "error" | "warning", listener: (error: Error) => void): void;
    query(questions: Question[]): void;
    respond(answers: Answer[]): void;
    destroy(): void;
  }

  // biome-ignore lint/style/noDefaultExport: the package is CommonJS, and its function is the default.
  export default function createResponder(options?: Options): Responder;
}
