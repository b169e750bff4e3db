import type { SdpSection, SessionDescription } from "./section.ts";

/** Writes a description, each line ended with CRLF (RFC 8866 §5). */
export function serializeSdp(description: SessionDescription): string {
  const { username, sessionId, sessionVersion, networkType, addressType, address } = description.origin;
  const lines = [
    "v=0",
    `o=${username} ${sessionId} ${sessionVersion} ${networkType} ${addressType} ${address}`,
    `s=${description.sessionName}`,
    ...description.lines.filter((line) => "iuepcb".includes(line[0]!)),
    ...description.timing.map((timing) => `t=${timing}`),
    ...description.lines.filter((line) => "rzk".includes(line[0]!)),
    ...attributeLines(description),
  ];
  for (const section of description.mediaSections) {
    const { kind, port, protocol, formats } = section.media;
    lines.push(
      `m=${kind} ${port} ${protocol} ${formats.join(" ")}`,
      ...section.lines,
      ...attributeLines(section),
    );
  }
  return `${lines.join("\r\n")}\r\n`;
}

function attributeLines(section: SdpSection): string[] {
  return section.attributes.map(({ name, value }) =>
    value === undefined ? `a=${name}` : `a=${name}:${value}`,
  );
}
