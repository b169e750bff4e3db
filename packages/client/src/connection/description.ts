/**
 * The few facts that are read from a session description. The rest of it is the browser's.
 *
 * A description carries no generation number, but its origin line does the same service: `sess-id` stays the same for
 * the life of a peer connection and differs between any two of them, `sess-version` rises with each offer (RFC 9429
 * §5.2.1). An answer is marked with the origin of the offer it answers, so that an answer which was under way while
 * its connection was given up is recognised. Implementations ignore attributes they do not know (RFC 8866 §5.13).
 */
const ANSWERS = "a=x-naru-answers:";

/** Which peer connection of the other side made this description; undefined when it has no valid origin line. */
export function sessionIdOf(sdp: string): string | undefined {
  return /^o=\S+ (\d{1,20}) \d{1,20} /m.exec(sdp)?.[1];
}

/** Which description of which peer connection this is. */
export function originOf(sdp: string): string | undefined {
  const match = /^o=\S+ (\d{1,20}) (\d{1,20}) /m.exec(sdp);
  return match === null ? undefined : `${match[1]}/${match[2]}`;
}

/** Marks `answer` as the answer to the offer with this origin. */
export function markAnswer(answer: string, offer: string): string {
  const origin = originOf(offer);
  return origin === undefined ? answer : answer.replace(/^m=/m, `${ANSWERS}${origin}\r\nm=`);
}

/** The origin of the offer that is answered; undefined when the answer is not marked. */
export function answeredOrigin(answer: string): string | undefined {
  return /^a=x-naru-answers:(\d{1,20}\/\d{1,20})\r?$/m.exec(answer)?.[1];
}

/** The first certificate fingerprint, as written (RFC 8122 §5). */
export function fingerprintOf(sdp: string | undefined): string | undefined {
  return /^a=fingerprint:(\S{1,16} [0-9A-Fa-f:]{1,256})\r?$/m.exec(sdp ?? "")?.[1];
}

/** Whether the description has this ICE user name (RFC 8839 §5.4). */
export function hasUsernameFragment(sdp: string, usernameFragment: string): boolean {
  return sdp.split(/\r?\n/).includes(`a=ice-ufrag:${usernameFragment}`);
}

/** Who begins the DTLS handshake: `active` does (RFC 8842 §5). */
export type DtlsRole = "active" | "passive";

/** The role that an answer takes for its side; undefined when it does not say. */
export function roleOf(answer: string): DtlsRole | undefined {
  const role = /^a=setup:(active|passive)\r?$/m.exec(answer)?.[1];
  return role === "active" || role === "passive" ? role : undefined;
}

/** The other one. */
export function oppositeRole(role: DtlsRole): DtlsRole {
  return role === "active" ? "passive" : "active";
}

/**
 * An offer that keeps the role this side has. Browsers leave the choice open (`actpass`) even when there is nothing
 * left to choose, and Firefox then answers `active` although it was `passive`, which Chromium refuses. RFC 8842 §5.2
 * allows to offer the role that was negotiated.
 */
export function offerRole(offer: string, role: DtlsRole | undefined): string {
  return role === undefined ? offer : offer.replace(/^a=setup:actpass(\r?)$/gm, `a=setup:${role}$1`);
}
