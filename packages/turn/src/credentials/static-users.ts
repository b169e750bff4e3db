import { toHex } from "@naru/webrtc/bytes";
import type { CryptoProvider } from "@naru/webrtc/crypto";
import { prepareOpaqueString, userHash } from "@naru/webrtc/stun";
import type { CredentialSource } from "./credentials.ts";

/**
 * Users with fixed passwords.
 *
 * @param users - Password by user name.
 * @param realm - The server's: USERHASH is made with it.
 * @throws {TypeError} when a name or password is empty or has control characters.
 */
export function createStaticUsers(
  crypto: CryptoProvider,
  realm: string,
  users: Readonly<Record<string, string>>,
): CredentialSource {
  const byName = new Map<string, string>();
  const byHash = new Map<string, string>();
  for (const [name, password] of Object.entries(users)) {
    const username = prepareOpaqueString(name);
    byName.set(username, prepareOpaqueString(password));
    byHash.set(toHex(userHash(crypto, username, realm)), username);
  }
  return {
    find(username) {
      const password = byName.get(username);
      return password === undefined ? undefined : { password, user: username };
    },
    usernameOf: (hash) => byHash.get(toHex(hash)),
  };
}
