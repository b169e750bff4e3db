import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SILENT_LOGGER } from "@naru/webrtc/sansio";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DataDirectory } from "../life/data-directory.ts";
import { localIdentity } from "../tls/local-certificates.ts";
import { type IceOffer, iceServers, iceUrls } from "./ice-servers.ts";

const folder: string = mkdtempSync(join(tmpdir(), "naru-ice-"));
let offer: IceOffer;

beforeAll(async () => {
  const names = { addresses: ["192.168.0.12"], hostname: "laptop" };
  const { issued } = await localIdentity(DataDirectory.open(folder), names, new Date(), SILENT_LOGGER);
  const { certificate } = issued;
  offer = {
    port: 8443,
    hasStun: true,
    hasTurn: true,
    host: undefined,
    networkAddress: "192.168.0.12",
    certificate,
  };
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the URLs that a participant is given", () => {
  test("name the host that it used, and TLS where the certificate is for it", () => {
    expect(iceUrls(offer, "192.168.0.12")).toEqual({
      stun: ["stun:192.168.0.12:8443"],
      turn: [
        "turn:192.168.0.12:8443?transport=udp",
        "turn:192.168.0.12:8443?transport=tcp",
        "turns:192.168.0.12:8443?transport=tcp",
      ],
    });
    expect(iceUrls(offer, "meet.example.com").turn).toEqual([
      "turn:meet.example.com:8443?transport=udp",
      "turn:meet.example.com:8443?transport=tcp",
    ]);
    expect(iceUrls(offer, "[2001:db8::1]").stun).toEqual(["stun:[2001:db8::1]:8443"]);
  });

  test("lead from localhost to the machine's address in its network, when it has one", () => {
    expect(iceUrls(offer, "localhost").stun).toEqual(["stun:192.168.0.12:8443"]);
    expect(iceUrls({ ...offer, networkAddress: undefined }, "127.0.0.1").stun).toEqual([
      "stun:127.0.0.1:8443",
    ]);
  });

  test("name turn.host instead, with its port", () => {
    expect(iceUrls({ ...offer, host: "turn.example.com:443" }, "meet.example.com").turn).toEqual([
      "turn:turn.example.com:443?transport=udp",
      "turn:turn.example.com:443?transport=tcp",
    ]);
  });

  test("are none when the host is not known, and none for what is switched off", () => {
    expect(iceUrls(offer, undefined)).toEqual({ stun: [], turn: [] });
    expect(iceUrls({ ...offer, hasStun: false, hasTurn: false }, "laptop.local")).toEqual({
      stun: [],
      turn: [],
    });
  });
});

test("without a credential there is no TURN server", () => {
  const urls = { stun: ["stun:a:1"], turn: ["turn:a:1"] };
  expect(iceServers(urls, undefined)).toEqual([{ urls: ["stun:a:1"] }]);
  expect(iceServers(urls, { username: "u", credential: "c" })).toEqual([
    { urls: ["stun:a:1"] },
    { urls: ["turn:a:1"], username: "u", credential: "c" },
  ]);
});
