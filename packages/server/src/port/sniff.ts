import type { Duplex } from "node:stream";
import type { StreamProtocol } from "./protocols.ts";

/**
 * Waits for the first byte of a connection and tells which protocol it begins. All bytes stay in the
 * connection, for whoever handles it next; the connection is paused then, and has no listeners of ours.
 *
 * @param onDecision - Called at most once: with the protocol, or with undefined when the first byte is of none.
 *   Not called for a connection that ends or breaks without a byte; such a one is destroyed.
 */
export function sniffProtocol<Name extends string>(
  connection: Duplex,
  protocols: readonly StreamProtocol<Name>[],
  onDecision: (protocol: Name | undefined) => void,
): void {
  const release = (): void => {
    connection.off("readable", onReadable);
    connection.off("end", onEnd);
    connection.off("error", onError);
  };
  const onEnd = (): void => {
    release();
    connection.destroy();
  };
  // Resets and TLS alerts are everyday life of a public port; "close" follows, and nobody is owed an answer.
  const onError = (): void => undefined;
  const onReadable = (): void => {
    const chunk: unknown = connection.read();
    if (!(chunk instanceof Uint8Array) || chunk.length === 0) return;
    release();
    const firstByte = chunk[0];
    connection.unshift(chunk);
    onDecision(
      firstByte === undefined ? undefined : protocols.find((protocol) => protocol.matches(firstByte))?.name,
    );
  };
  connection.on("readable", onReadable);
  connection.on("end", onEnd);
  connection.on("error", onError);
}
