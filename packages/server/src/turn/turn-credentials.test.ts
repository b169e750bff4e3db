import { createNodePlatform } from "@naru/webrtc/node";
import { expect, test } from "vitest";
import { issueForDoctor, TurnCredentials } from "./turn-credentials.ts";

const { crypto } = createNodePlatform();
const SECRET = "a secret of this installation, 32+";

test("a participant's credential is good from when it is given until the participant leaves", () => {
  const credentials = new TurnCredentials(crypto, SECRET);
  const { username, credential } = credentials.issueForParticipant("4be0d1c2a3f4e59f");
  expect(credentials.find(username)).toMatchObject({ password: credential, user: "4be0d1c2a3f4e59f" });
  expect(credentials.find(username)?.restrictions).toBeUndefined();
  credentials.end("4be0d1c2a3f4e59f");
  expect(credentials.find(username)).toBeUndefined();
});

test("after a restart nobody is anybody before it has come back, whatever it kept", () => {
  const { username } = new TurnCredentials(crypto, SECRET).issueForParticipant("4be0d1c2a3f4e59f");
  const restarted = new TurnCredentials(crypto, SECRET);
  expect(restarted.find(username)).toBeUndefined();
  restarted.issueForParticipant("4be0d1c2a3f4e59f");
  expect(restarted.find(username)).toBeDefined();
});

test("whoever checks a network reaches relayed addresses only", () => {
  const credentials = new TurnCredentials(crypto, SECRET);
  const { username, user } = credentials.issueForCheck();
  expect(credentials.find(username)).toMatchObject({ user, restrictions: { relaysOnly: true } });
});

test("the doctor makes its own, with the secret; another secret makes another password", () => {
  const credentials = new TurnCredentials(crypto, SECRET);
  const own = issueForDoctor(crypto, SECRET);
  expect(credentials.find(own.username)?.password).toBe(own.credential);
  const other = issueForDoctor(crypto, "another secret, of 32 letters too!");
  expect(credentials.find(other.username)?.password).not.toBe(other.credential);
});

test("a name that was made up is nobody's", () => {
  const credentials = new TurnCredentials(crypto, SECRET);
  for (const name of ["", "alice", "1795201177:nobody", "99999999999:"]) {
    expect(credentials.find(name)).toBeUndefined();
  }
});
