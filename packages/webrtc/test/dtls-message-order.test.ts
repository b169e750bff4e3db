/** A peer that leaves out what proves who it is, or says things out of turn (RFC 8446 §4.4, RFC 5246 §7.4). */
import { describe, expect, test } from "vitest";
import { createKeyShares } from "../src/dtls/cipher/group.ts";
import { HandshakeType, RANDOM_BYTES, WireVersion } from "../src/dtls/constants.ts";
import { ClientHandshake12 } from "../src/dtls/flight12/client.ts";
import { ServerHandshake12 } from "../src/dtls/flight12/server.ts";
import { ClientHandshake13 } from "../src/dtls/flight13/client.ts";
import { ServerHandshake13 } from "../src/dtls/flight13/server.ts";
import {
  encodeCertificateRequest13,
  encodeCertificates,
  encodeClientKeyExchange,
  encodeSigned,
} from "../src/dtls/handshake/authentication.ts";
import { HandshakeChannel } from "../src/dtls/handshake/channel.ts";
import { type Handshake, type HandshakeContext, PeerIdentity } from "../src/dtls/handshake/context.ts";
import { Transcript } from "../src/dtls/handshake/transcript.ts";
import { CIPHER_SUITES, DEFAULT_DTLS_POLICY, type DtlsVersion } from "../src/dtls/index.ts";
import { RecordLayer } from "../src/dtls/record/record-layer.ts";
import { PacketArena, type PacketSlot } from "../src/kernel/index.ts";
import { nodeCrypto } from "../src/node/index.ts";
import { Queue, SILENT_LOGGER } from "../src/sansio/index.ts";
import { SeededRandom } from "../src/testing/index.ts";
import { CERTIFICATES } from "./dtls-pair.ts";

const SCHEMES = [0x0403];
const SECRET = new Uint8Array(32).fill(5);
const RANDOM = new Uint8Array(RANDOM_BYTES).fill(6);
const SIGNATURE = { id: 0x0403, scheme: "ecdsa-sha256" } as const;

function context(): HandshakeContext {
  const arena = new PacketArena(32);
  return {
    environment: { crypto: nodeCrypto, random: new SeededRandom(1), log: SILENT_LOGGER },
    policy: DEFAULT_DTLS_POLICY,
    certificate: CERTIFICATES.ecdsa,
    channel: new HandshakeChannel(arena, DEFAULT_DTLS_POLICY, new Queue<PacketSlot>(64), WireVersion.dtls12),
    records: new RecordLayer(arena),
    peer: new PeerIdentity(nodeCrypto, undefined),
  };
}

/** A handshake just after the hellos. */
function create(role: "client" | "server", version: DtlsVersion): Handshake {
  const suite = CIPHER_SUITES.find((candidate) => candidate.version === version)!;
  const transcript = new Transcript(nodeCrypto, version, suite.hash);
  if (version === "1.3") {
    const agreement = { suite, group: "x25519", sharedSecret: SECRET, transcript } as const;
    const offer = { signatureSchemes: SCHEMES, srtpProfile: undefined };
    return role === "client"
      ? new ClientHandshake13(context(), agreement, new Map())
      : new ServerHandshake13(context(), agreement, offer, 0);
  }
  const agreement = {
    suite,
    clientRandom: RANDOM,
    serverRandom: RANDOM,
    usesExtendedMasterSecret: true,
    srtpProfile: undefined,
    transcript,
  };
  return role === "client"
    ? new ClientHandshake12(context(), agreement)
    : new ServerHandshake12(context(), agreement, "x25519", SIGNATURE, 0);
}

interface Step {
  readonly type: number;
  readonly body: Uint8Array;
  readonly epoch?: number;
}

const share = createKeyShares(nodeCrypto, ["x25519"])[0]!;
const forged = encodeSigned({ scheme: 0x0403, signature: new Uint8Array(70).fill(0x30) });
const CERTIFICATE_13: Step = {
  type: HandshakeType.certificate,
  body: encodeCertificates("1.3", CERTIFICATES.ecdsa2.chain),
};
const CERTIFICATE_12: Step = {
  type: HandshakeType.certificate,
  body: encodeCertificates("1.2", CERTIFICATES.ecdsa2.chain),
  epoch: 0,
};
const EXTENSIONS: Step = { type: HandshakeType.encryptedExtensions, body: Uint8Array.of(0, 0) };
const REQUEST: Step = { type: HandshakeType.certificateRequest, body: encodeCertificateRequest13(SCHEMES) };
const FINISHED: Step = { type: HandshakeType.finished, body: new Uint8Array(32) };
const FORGED: Step = { type: HandshakeType.certificateVerify, body: forged };
const EXCHANGE: Step = {
  type: HandshakeType.clientKeyExchange,
  body: encodeClientKeyExchange(share.publicKey),
  epoch: 0,
};
const FINISHED_12: Step = { type: HandshakeType.finished, body: new Uint8Array(12), epoch: 1 };
const DONE: Step = { type: HandshakeType.serverHelloDone, body: new Uint8Array(0), epoch: 0 };

const UNEXPECTED = "ERR_DTLS_UNEXPECTED_MESSAGE";

/** Steps that are accepted, and the one that is not. */
const CASES: readonly (readonly [string, "client" | "server", DtlsVersion, readonly Step[], Step, string])[] =
  [
    ["no CertificateVerify", "server", "1.3", [CERTIFICATE_13], FINISHED, UNEXPECTED],
    ["no certificate", "server", "1.3", [], FINISHED, UNEXPECTED],
    ["a signature that is none", "server", "1.3", [CERTIFICATE_13], FORGED, "ERR_DTLS_BAD_SIGNATURE"],
    ["a second certificate", "server", "1.3", [CERTIFICATE_13], CERTIFICATE_13, UNEXPECTED],
    ["a certificate in the clear", "server", "1.3", [], { ...CERTIFICATE_13, epoch: 0 }, UNEXPECTED],
    ["no CertificateVerify", "client", "1.3", [EXTENSIONS, REQUEST, CERTIFICATE_13], FINISHED, UNEXPECTED],
    ["no certificate", "client", "1.3", [EXTENSIONS], FINISHED, UNEXPECTED],
    ["no EncryptedExtensions", "client", "1.3", [], CERTIFICATE_13, UNEXPECTED],
    ["two requests", "client", "1.3", [EXTENSIONS, REQUEST], REQUEST, UNEXPECTED],
    ["extensions in the clear", "client", "1.3", [], { ...EXTENSIONS, epoch: 0 }, UNEXPECTED],
    [
      "an extension nobody asked for",
      "client",
      "1.3",
      [],
      { ...EXTENSIONS, body: Uint8Array.of(0, 4, 0, 14, 0, 0) },
      "ERR_DTLS_ILLEGAL_PARAMETER",
    ],
    ["no CertificateVerify", "server", "1.2", [CERTIFICATE_12, EXCHANGE], FINISHED_12, UNEXPECTED],
    ["no certificate", "server", "1.2", [], EXCHANGE, UNEXPECTED],
    [
      "a Finished in the clear",
      "server",
      "1.2",
      [CERTIFICATE_12, EXCHANGE],
      { ...FINISHED_12, epoch: 0 },
      UNEXPECTED,
    ],
    [
      "a signature that is none",
      "server",
      "1.2",
      [CERTIFICATE_12, EXCHANGE],
      { ...FORGED, epoch: 0 },
      "ERR_DTLS_BAD_SIGNATURE",
    ],
    ["no certificate", "client", "1.2", [], DONE, UNEXPECTED],
    ["no ServerKeyExchange", "client", "1.2", [CERTIFICATE_12], DONE, UNEXPECTED],
  ];

describe("a peer is refused", () => {
  test.each(CASES)("with %s (we are the %s, %s)", (_name, role, version, accepted, refused, code) => {
    const handshake = create(role, version);
    const epoch = version === "1.3" ? 2 : 0;
    accepted.forEach((step, sequence) => {
      handshake.handleMessage({ epoch, ...step, sequence }, 0);
    });
    const message = { epoch, ...refused, sequence: accepted.length };
    expect(() => handshake.handleMessage(message, 0)).toThrow(expect.objectContaining({ code }));
    // As if it had not come: the same again, and no result.
    expect(() => handshake.handleMessage(message, 0)).toThrow(expect.objectContaining({ code }));
    expect(handshake.result).toBeUndefined();
  });
});

test("an empty certificate list is no certificate", () => {
  for (const version of ["1.3", "1.2"] as const) {
    const handshake = create("server", version);
    const body = encodeCertificates(version, []);
    const message = { type: HandshakeType.certificate, body, sequence: 1, epoch: version === "1.3" ? 2 : 0 };
    expect(() => handshake.handleMessage(message, 0)).toThrow(
      expect.objectContaining({ code: "ERR_DTLS_NO_CERTIFICATE" }),
    );
  }
});
