import type { SdpAttribute } from "./attribute/attribute.ts";
import { DIRECTIONS, type SdpDirection } from "./attribute/media.ts";

/** An attribute line as it stands: `a=<name>` or `a=<name>:<value>`. */
export interface SdpAttributeLine {
  readonly name: string;
  readonly value?: string;
}

/** What a section is called and how it is reached (RFC 8866 §5.14). */
export interface SdpMedia {
  /** `audio`, `video`, `application`, … */
  readonly kind: string;
  /** 0 when rejected. */
  readonly port: number;
  /** `UDP/TLS/RTP/SAVPF`, `UDP/DTLS/SCTP`, … */
  readonly protocol: string;
  /** Payload types as text, or `webrtc-datachannel`. */
  readonly formats: readonly string[];
}

/**
 * The attributes of a description, or of one of its media sections, in order. Reading and writing goes through the
 * constants of `attribute/`; lines that nobody knows are kept as they are.
 */
export class SdpSection {
  /** Non-attribute lines but `v=`, `o=`, `s=`, `t=` and `m=`, in order, for example `c=IN IP4 0.0.0.0`. */
  readonly lines: string[] = [];
  readonly attributes: SdpAttributeLine[] = [];

  /** The value of an attribute, the first where there are several; undefined when it is absent or malformed. */
  get<T>(attribute: SdpAttribute<T>): T | undefined {
    const line = this.attributes.find(({ name }) => name === attribute.name);
    return line && attribute.parse(line.value);
  }

  /** Every well-formed value of an attribute. */
  getAll<T>(attribute: SdpAttribute<T>): T[] {
    const values: T[] = [];
    for (const line of this.attributes) {
      const value = line.name === attribute.name ? attribute.parse(line.value) : undefined;
      if (value !== undefined) values.push(value);
    }
    return values;
  }

  has(attribute: { readonly name: string }): boolean {
    return this.attributes.some(({ name }) => name === attribute.name);
  }

  /** Appends an attribute. */
  add<T>(attribute: SdpAttribute<T>, value: T): this {
    const text = attribute.serialize(value);
    this.attributes.push(
      text === undefined ? { name: attribute.name } : { name: attribute.name, value: text },
    );
    return this;
  }

  /** Removes every line of an attribute. */
  remove(attribute: { readonly name: string }): void {
    for (let i = this.attributes.length - 1; i >= 0; i--) {
      if (this.attributes[i]!.name === attribute.name) this.attributes.splice(i, 1);
    }
  }

  /** The direction attribute, undefined when there is none: then it is `sendrecv` (RFC 8866 §6.7). */
  get direction(): SdpDirection | undefined {
    return DIRECTIONS.find((direction) => this.has({ name: direction }));
  }
}

/** A media section: its `m=` line and all that follows up to the next. */
export class SdpMediaSection extends SdpSection {
  media: SdpMedia;

  constructor(media: SdpMedia) {
    super();
    this.media = media;
  }

  /** Port 0 and not waiting for its bundle: this section is not used (RFC 3264 §6, RFC 9143 §6). */
  get isRejected(): boolean {
    return this.media.port === 0 && !this.has({ name: "bundle-only" });
  }
}

/** Who made a description, and its version (RFC 8866 §5.2). */
export interface SdpOrigin {
  readonly username: string;
  /** Decimal; may exceed what a number holds. */
  readonly sessionId: string;
  readonly sessionVersion: string;
  readonly networkType: string;
  readonly addressType: string;
  readonly address: string;
}

/** A session description (RFC 8866 §5). Its own attributes are those of the session level. */
export class SessionDescription extends SdpSection {
  origin: SdpOrigin;
  /** `s=`; `-` where there is no name. */
  sessionName = "-";
  /** The values of all `t=` lines; `0 0` where time has no bounds. */
  timing: string[] = ["0 0"];
  readonly mediaSections: SdpMediaSection[] = [];

  constructor(origin: SdpOrigin) {
    super();
    this.origin = origin;
  }

  /** An attribute of a section, or of the session where the section has none of its own (RFC 8859 §5). */
  inherited<T>(section: SdpMediaSection, attribute: SdpAttribute<T>): T | undefined {
    return section.has(attribute) ? section.get(attribute) : this.get(attribute);
  }
}
