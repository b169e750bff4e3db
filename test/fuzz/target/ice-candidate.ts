import { IceAgent, PacketDeframer } from "@naru/webrtc/ice";
import { CANDIDATE } from "@naru/webrtc/sdp";
import { fuzzEnvironment } from "../environment.ts";

const decoder = new TextDecoder();

/** A candidate of the other side, from its text to the pairs; and the same bytes as a stream of framed packets. */
export function target(bytes: Uint8Array): void {
  const attribute = CANDIDATE.parse(decoder.decode(bytes));
  if (attribute !== undefined) {
    const agent = new IceAgent(fuzzEnvironment(), { role: "controlling" });
    const reason = agent.addRemoteCandidate(attribute, 0);
    const asks = agent.pollEvent();
    if ((reason === undefined) === (agent.remoteCandidates.length === 0 && asks === undefined)) {
      throw new Error("a candidate was neither taken nor refused");
    }
  }
  const deframer = new PacketDeframer();
  let total = 0;
  deframer.push(bytes);
  for (let packet = deframer.next(); packet !== undefined; packet = deframer.next())
    total += packet.length + 2;
  if (total > bytes.length) throw new Error("more came out than went in");
}
