/**
 * A peer connection of which only the negotiation is real: the signaling states and the implicit rollback of
 * webrtc-pc §4.4.1, with the promises settled in later turns, as in browsers. For tests of glare, where thousands of
 * orders have to be tried; calls are tested in browsers.
 */
export class FakePeerConnection {
  static #next = 1;
  readonly #sessionId: number = FakePeerConnection.#next++;
  #version = 0;
  #iceRestart = false;
  #negotiationNeeded = false;
  signalingState: RTCSignalingState = "stable";
  localDescription: { type: string; sdp: string } | null = null;
  remoteDescription: { type: string; sdp: string } | null = null;
  onnegotiationneeded: (() => void) | null = null;
  onicecandidate: ((event: { candidate: null }) => void) | null = null;
  readonly sctp: undefined;
  /** Rises with each completed offer and answer; both sides have the same origins when they agree. */
  agreed: { offer: string; answer: string } | undefined;

  createDataChannel(): object {
    this.#need();
    return {};
  }

  addTransceiver(kind: string): object {
    this.#need();
    return { sender: { track: null }, receiver: { track: { kind } } };
  }

  getTransceivers(): object[] {
    return [];
  }

  restartIce(): void {
    this.#iceRestart = true;
    this.#need();
  }

  close(): void {
    this.signalingState = "closed";
  }

  async setLocalDescription(): Promise<void> {
    await turn();
    const type = this.signalingState === "have-remote-offer" ? "answer" : "offer";
    if (type === "offer" && this.signalingState !== "stable")
      throw new Error(`offer in ${this.signalingState}`);
    this.#version++;
    this.localDescription = {
      type,
      sdp: `v=0\r\no=- ${this.#sessionId} ${this.#version} IN IP4 0.0.0.0\r\nm=application\r\n`,
    };
    this.#iceRestart = false;
    if (type === "offer") {
      this.signalingState = "have-local-offer";
      return;
    }
    this.#stable(this.remoteDescription?.sdp ?? "", this.localDescription.sdp);
  }

  async setRemoteDescription(description: { type: string; sdp: string }): Promise<void> {
    await turn();
    if (description.type === "offer") {
      // Implicit rollback: what the taken-back offer was for is still to be negotiated.
      if (this.signalingState === "have-local-offer") this.#negotiationNeeded = true;
      this.signalingState = "have-remote-offer";
      this.remoteDescription = description;
      return;
    }
    if (this.signalingState !== "have-local-offer") throw new Error(`answer in ${this.signalingState}`);
    this.remoteDescription = description;
    this.#stable(this.localDescription?.sdp ?? "", description.sdp);
  }

  #stable(offer: string, answer: string): void {
    this.signalingState = "stable";
    const origin = (sdp: string): string => /^o=- (\d+ \d+)/m.exec(sdp)?.[1] ?? "";
    this.agreed = { offer: origin(offer), answer: origin(answer) };
    if (this.#negotiationNeeded || this.#iceRestart) this.#need();
  }

  #need(): void {
    this.#negotiationNeeded = true;
    void turn().then(() => {
      if (!this.#negotiationNeeded || this.signalingState !== "stable") return;
      this.#negotiationNeeded = false;
      this.onnegotiationneeded?.();
    });
  }
}

/** Lets a fake stand where the compiler wants the whole of a browser's interface. */
export function standIn<Type>(fake: object): Type {
  const name: string = "fake";
  return Reflect.get({ fake }, name);
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

declare function setImmediate(callback: () => void): void;
