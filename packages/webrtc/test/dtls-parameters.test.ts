/** Every version, cipher suite, group, key and SRTP profile, and what happens when there is nothing in common. */
import { describe, expect, test } from "vitest";
import { CIPHER_SUITES, type DtlsOptions, GROUPS, type SrtpProfile } from "../src/dtls/index.ts";
import { CERTIFICATES, createDtlsPair, type DtlsScenario, eventOf } from "./dtls-pair.ts";

/** Connects and returns what was agreed on, which is the same on both sides. */
function agreed(scenario: DtlsScenario): Record<string, unknown> {
  const { client, server, pair, connect, received } = createDtlsPair(scenario);
  connect(10_000);
  const [a, b] = [eventOf(pair.events("a"), "connected"), eventOf(pair.events("b"), "connected")];
  expect({ ...a, remoteCertificates: 0 }).toEqual({ ...b, remoteCertificates: 0 });
  expect(client.exportKeyingMaterial("EXPERIMENTAL x", Uint8Array.of(1), 40)).toEqual(
    server.exportKeyingMaterial("EXPERIMENTAL x", Uint8Array.of(1), 40),
  );
  expect(client.exportKeyingMaterial("EXPERIMENTAL x", Uint8Array.of(1), 40)).not.toEqual(
    server.exportKeyingMaterial("EXPERIMENTAL y", Uint8Array.of(1), 40),
  );
  const data = Uint8Array.from({ length: 1100 }, (_, i) => i);
  client.send(data, pair.now());
  server.send(data, pair.now());
  pair.drive();
  expect(received("a")).toEqual([data]);
  expect(received("b")).toEqual([data]);
  return { ...a, remoteCertificates: a?.remoteCertificates.length };
}

describe.each(CIPHER_SUITES)("$name", (suite) => {
  const certificate = suite.authentication === "rsa" ? CERTIFICATES.rsa : CERTIFICATES.ecdsa2;
  const groups = GROUPS.filter((group) => suite.version === "1.3" || group !== "X25519MLKEM768");

  test.each(groups)("connects over %s", (group) => {
    const options = { versions: [suite.version], cipherSuites: [suite], groups: [group], keyShares: [group] };
    expect(agreed({ options, server: { certificate } })).toMatchObject({
      version: suite.version,
      cipherSuite: suite.name,
      group,
      remoteCertificates: 1,
    });
  });
});

test("1.3 and the hybrid group are taken when both can", () => {
  expect(agreed({})).toMatchObject({ version: "1.3", group: "X25519MLKEM768" });
});

test.each([
  ["client", { client: { versions: ["1.2"] } }],
  ["server", { server: { versions: ["1.2"] } }],
] as const)("1.2 is taken when the %s cannot do more", (_side, scenario) => {
  expect(agreed(scenario)).toMatchObject({ version: "1.2", group: "x25519" });
});

test.each(["secp256r1", "secp384r1", "x25519"] as const)(
  "a server that wants %s asks for a share of it by HelloRetryRequest",
  (group) => {
    const scenario = { client: { keyShares: ["X25519MLKEM768"] }, server: { groups: [group] } } as const;
    expect(agreed(scenario)).toMatchObject({ version: "1.3", group });
  },
);

test("a client with no share at once is asked for one", () => {
  expect(agreed({ client: { keyShares: [] } })).toMatchObject({ version: "1.3", group: "X25519MLKEM768" });
});

describe("SRTP", () => {
  const gcm: SrtpProfile = "SRTP_AEAD_AES_256_GCM";
  const sha1: SrtpProfile = "SRTP_AES128_CM_HMAC_SHA1_80";

  test.each(["1.3", "1.2"] as const)("the server's order decides in %s", (version) => {
    const scenario = { client: { srtpProfiles: [sha1, gcm] }, server: { srtpProfiles: [gcm, sha1] } };
    expect(agreed({ ...scenario, options: { versions: [version] } })).toMatchObject({ srtpProfile: gcm });
  });

  test.each(["1.3", "1.2"] as const)("no profile in common is no SRTP in %s", (version) => {
    const scenario = { client: { srtpProfiles: [sha1] }, server: { srtpProfiles: [gcm] } };
    const { client, connect } = createDtlsPair({ ...scenario, options: { versions: [version] } });
    connect();
    expect(client.exportSrtpKeys()).toBeUndefined();
  });

  test("keys have the lengths of the profile", () => {
    const { client, connect } = createDtlsPair({ options: { srtpProfiles: [gcm] } });
    connect();
    const keys = client.exportSrtpKeys();
    expect([keys?.local.key.length, keys?.local.salt.length]).toEqual([32, 12]);
    expect(keys?.local).not.toEqual(keys?.remote);
  });
});

describe("nothing in common ends the handshake with the reason", () => {
  const [aes128, aes256] = CIPHER_SUITES;
  test.each<[string, DtlsScenario, string]>([
    [
      "versions",
      { client: { versions: ["1.3"] }, server: { versions: ["1.2"] } },
      "ERR_DTLS_NO_COMMON_VERSION",
    ],
    [
      "cipher suites",
      {
        options: { versions: ["1.3"] },
        client: { cipherSuites: [aes128!] },
        server: { cipherSuites: [aes256!] },
      },
      "ERR_DTLS_NO_COMMON_PARAMETERS",
    ],
    [
      "groups",
      {
        options: { versions: ["1.3"] },
        client: { groups: ["x25519"] },
        server: { groups: ["secp256r1"] },
      },
      "ERR_DTLS_NO_COMMON_PARAMETERS",
    ],
  ])("%s", (_name, scenario, code) => {
    const { client, server, pair } = createDtlsPair(scenario);
    client.start(0);
    pair.driveUntil(() => client.state === "closed" && server.state === "closed", 40_000);
    expect(eventOf(pair.events("b"), "closed")?.reason).toMatchObject({ type: "failed", code, by: "local" });
    expect(eventOf(pair.events("a"), "closed")?.reason).toMatchObject({ type: "failed", by: "remote" });
    // The grace for a hello that may be a stranger's, and for an alert that may be.
    expect(pair.now()).toBeLessThan(5000);
  });
});

test("a server that cannot do 1.3 is believed only without the mark of one that can", () => {
  // The client's offer of 1.3 is taken away on the path: the server chooses 1.2, and says that it could do more.
  const { client, server, pair } = createDtlsPair();
  const stripping = createDtlsPair({ client: { versions: ["1.2"] } });
  stripping.client.start(0);
  client.start(0);
  const forged = stripping.client.pollTransmit()!;
  server.handleInput(forged.bytes.subarray(forged.start, forged.end), 0);
  for (let slot = server.pollTransmit(); slot !== undefined; slot = server.pollTransmit()) {
    client.handleInput(slot.bytes.subarray(slot.start, slot.end), 0);
  }
  expect(client.counters.refused).toBe(1);
  client.handleTimeout(2000);
  expect(eventOf([client.pollEvent()!], "closed")?.reason).toMatchObject({ code: "ERR_DTLS_DOWNGRADE" });
  pair.advance(0);
});

test.each<Partial<DtlsOptions>>([
  { versions: [] },
  { cipherSuites: [] },
  { groups: [] },
  { groups: ["X25519MLKEM768"] },
  { mtu: 60 },
  { mtu: 2000 },
])("options that leave nothing to negotiate are refused: %j", (options) => {
  expect(() => createDtlsPair({ options })).toThrow(RangeError);
});
