import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../bytes/index.ts";
import { nodeCrypto } from "../../node/index.ts";
import { Hkdf } from "./hkdf.ts";
import { deriveTrafficKeys, finishedMac, KeySchedule, nextTrafficSecret } from "./key-schedule.ts";
import { extendedMasterSecret, prf } from "./prf.ts";
import { CIPHER_SUITES } from "./suite.ts";

const suite = CIPHER_SUITES[0]!;

/** RFC 8448 §3, Simple 1-RTT Handshake. */
const TRACE = {
  sharedSecret: fromHex("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d"),
  helloHash: fromHex("860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8"),
  serverFinishedHash: fromHex("9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13"),
} as const;

describe("the key schedule, with the labels of TLS, is that of RFC 8448 §3", () => {
  const hkdf = new Hkdf(nodeCrypto, "sha-256", "tls13 ");
  const schedule = new KeySchedule(hkdf, TRACE.sharedSecret);
  const handshake = schedule.handshakeSecrets(TRACE.helloHash);

  test("handshake secrets", () => {
    expect(toHex(handshake.client)).toBe("b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21");
    expect(toHex(handshake.server)).toBe("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
  });

  test("handshake keys", () => {
    const { key, iv } = deriveTrafficKeys(hkdf, suite, handshake.server);
    expect(toHex(key)).toBe("3fce516009c21727d0f2e4e86ee403bc");
    expect(toHex(iv)).toBe("5d313eb2671276ee13000b30");
    const client = deriveTrafficKeys(hkdf, suite, handshake.client);
    expect(toHex(client.key)).toBe("dbfaa693d1762c5b666af5d950258d01");
    expect(toHex(client.iv)).toBe("5bd3c71b836e0b76bb73265f");
  });

  test("the client's Finished", () => {
    expect(toHex(finishedMac(hkdf, handshake.client, TRACE.serverFinishedHash))).toBe(
      "a8ec436d677634ae525ac1fcebe11a039ec17694fac6e98527b642f2edd5ce61",
    );
  });

  test("application and exporter secrets", () => {
    const secrets = schedule.applicationSecrets(TRACE.serverFinishedHash);
    expect(toHex(secrets.client)).toBe("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5");
    expect(toHex(secrets.server)).toBe("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643");
    expect(toHex(secrets.exporter)).toBe("fe22f881176eda18eb8f44529e6792c50c9a3f89452f68d8ae311b4309d3cf50");
  });
});

test("a record of RFC 8448 §3 opens with the keys of its secret", () => {
  const hkdf = new Hkdf(nodeCrypto, "sha-256", "tls13 ");
  const secret = fromHex("b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21");
  const { key, iv } = deriveTrafficKeys(hkdf, suite, secret);
  // The client's Finished: the first record, so that the nonce is the IV.
  const record = fromHex(
    `17 03 03 00 35 75 ec 4d c2 38 cc e6 0b 29 80 44 a7 1e 21 9c 56 cc 77 b0 51 7f e9 b9 3c 7a 4b fc 44
     d8 7f 38 f8 03 38 ac 98 fc 46 de b3 84 bd 1c ae ac ab 68 67 d7 26 c4 05 46`,
  );
  const content = new Uint8Array(37);
  const aead = nodeCrypto.createAead("aes-128-gcm", key);
  expect(aead.open(iv, record, 0, 5, record, 5, record.length, content, 0)).toBe(true);
  expect(toHex(content)).toBe("14000020a8ec436d677634ae525ac1fcebe11a039ec17694fac6e98527b642f2edd5ce6116");
});

describe("HKDF-Expand-Label", () => {
  test("of QUIC's client is that of RFC 9001 §A.1", () => {
    const hkdf = new Hkdf(nodeCrypto, "sha-256", "tls13 ");
    const secret = fromHex("c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea");
    expect(toHex(hkdf.expandLabel(secret, "quic hp", new Uint8Array(0), 16))).toBe(
      "9f50449e04a0e810283a1e9933adedd2",
    );
  });

  test("has the prefix dtls13 without a space (RFC 9147 §5.9)", () => {
    const secret = new Uint8Array(32).fill(7);
    const byLabel = new Hkdf(nodeCrypto, "sha-256").expandLabel(secret, "sn", new Uint8Array(0), 16);
    // HkdfLabel: length 16, "dtls13sn", no context.
    const info = fromHex("0010 08 64746c733133 736e 00");
    expect(toHex(byLabel)).toBe(toHex(new Hkdf(nodeCrypto, "sha-256").expand(secret, info, 16)));
  });

  test("reaches over several blocks", () => {
    // RFC 5869 §A.2.
    const range = (from: number): Uint8Array => Uint8Array.from({ length: 80 }, (_, i) => from + i);
    const hkdf = new Hkdf(nodeCrypto, "sha-256");
    const okm = hkdf.expand(hkdf.extract(range(0x60), range(0)), range(0xb0), 82);
    expect(toHex(okm)).toBe(
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09" +
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    );
  });
});

test("a KeyUpdate changes the secret, always in the same way", () => {
  const hkdf = new Hkdf(nodeCrypto, "sha-384");
  const first = new Uint8Array(48).fill(1);
  const second = nextTrafficSecret(hkdf, first);
  expect(second).toHaveLength(48);
  expect(second).not.toEqual(first);
  expect(nextTrafficSecret(hkdf, first)).toEqual(second);
});

describe("the PRF of TLS 1.2", () => {
  test("yields the well-known vector for SHA-256", () => {
    const output = prf(
      nodeCrypto,
      "sha-256",
      fromHex("9bbe436ba940f017b17652849a71db35"),
      "test label",
      fromHex("a0ba9f936cda311827a6f796ffd5198c"),
      100,
    );
    expect(toHex(output)).toBe(
      "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af" +
        "0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701" +
        "87347b66",
    );
  });

  test("makes an extended master secret of 48 bytes that depends on the session", () => {
    const premaster = new Uint8Array(32).fill(3);
    const one = extendedMasterSecret(nodeCrypto, "sha-384", premaster, new Uint8Array(48).fill(1));
    const other = extendedMasterSecret(nodeCrypto, "sha-384", premaster, new Uint8Array(48).fill(2));
    expect(one).toHaveLength(48);
    expect(one).not.toEqual(other);
  });
});
