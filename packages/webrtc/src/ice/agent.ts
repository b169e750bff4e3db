// Longer than other files: selection, liveness and state look at the same pairs in the same turn; what can be decided
// from values alone is in nomination.ts, check-message.ts, check-list.ts and facts.ts.
import type {
  IncomingDatagram,
  IpAddress,
  OutgoingDatagram,
  SocketId,
  TransportAddress,
} from "../bytes/index.ts";
import type { CryptoProvider } from "../crypto/index.ts";
import {
  type AskId,
  type Core,
  type Environment,
  InvalidStateError,
  type Millis,
  Queue,
  randomUnit,
} from "../sansio/index.ts";
import {
  StunErrorNumber,
  StunMessage,
  StunMethod,
  safeDecodeStunMessage,
  XOR_MAPPED_ADDRESS,
} from "../stun/index.ts";
import type { IceAgentCounters, IceAgentEvent, IceState } from "./agent-events.ts";
import { DEFAULT_ICE_TIMINGS, type IceAgentOptions, type IceRole, type IceTimings } from "./agent-options.ts";
import { countCandidates, type LocalCandidate, type RemoteCandidate } from "./candidate.ts";
import { type CandidateAttribute, readRemoteCandidate } from "./candidate-attribute.ts";
import type { CandidatePair, IceCandidatePair, IcePairStats } from "./candidate-pair.ts";
import { encodeRefusal, encodeSuccess, judgeRequest } from "./check-message.ts";
import { Checker, type CheckOutcome } from "./checker.ts";
import type { IceFacts } from "./facts.ts";
import { type EarlyCheck, IceGeneration, MAX_CANDIDATES } from "./generation.ts";
import { bestValid, isBetter } from "./nomination.ts";
import {
  checkIceParameters,
  createIceParameters,
  type IceParameters,
  type RemoteIceParameters,
} from "./parameters.ts";
import { Selection } from "./selection.ts";

/** Valid pairs that are kept beside the selected one, the best of them; a relayed one comes on top. */
const MAX_BACKUPS = 2;

/** A turn brings a handful. */
const MAX_EVENTS = 1024;

/** Unauthenticated requests answered in a second: enough for a peer with an old password to learn of it. */
const MAX_REFUSALS_PER_SECOND = 20;

/** Sends of a check that can only find a spare pair. */
const SPARE_SENDS = 3;

/** A pair under check is checked again for a request that comes on it, but not for each. */
const RETRIGGER_MS = 100;

/** After a restart the other side may still use the old pairs for so long after we have left them. */
const OLD_GENERATION_MS = 5_000;

/** Failure may be certain this early; before, an address of the peer may still come up by its own checks. */
const MIN_CHECKING_MS = 5_000;

/** A lite agent hears only what the other side chooses to send: consent checks every 5 seconds at least (RFC 7675 §5.1). */
const LITE_DISCONNECTED_MS = 15_000;

const NEVER: Millis = Number.POSITIVE_INFINITY;
const LONG_AGO: Millis = Number.NEGATIVE_INFINITY;

/**
 * One component of one stream (RFC 8445 §2): learns by which pairs of addresses two sides reach each other, chooses one, keeps
 * it alive, and leaves it for another when it dies.
 *
 * It sends and takes only STUN. A *route* is the id of a socket: of a UDP socket, a TURN allocation, a TCP connection. Data
 * goes by {@link selectedPair}: its `route`, to its `remote.address`.
 */
export class IceAgent implements Core<IncomingDatagram, OutgoingDatagram, IceAgentEvent> {
  readonly counters: IceAgentCounters = {
    ignored: 0,
    unauthenticated: 0,
    unmatched: 0,
    limited: 0,
    dropped: 0,
  };
  readonly #environment: Environment<CryptoProvider>;
  readonly #timings: IceTimings;
  readonly #isLite: boolean;
  readonly #supportsRenomination: boolean;
  readonly #checker: Checker;
  readonly #events = new Queue<IceAgentEvent>(MAX_EVENTS);
  readonly #message = new StunMessage();
  #role: IceRole;
  #tieBreaker: bigint;
  #generation: IceGeneration;
  /** The one before the last restart, while it is of use. */
  #previous: IceGeneration | undefined;
  #previousUntil: Millis = NEVER;
  readonly #triggered: CandidatePair[] = [];
  /** TCP connections that came in, with the passive candidate they came to. */
  readonly #streams = new Map<SocketId, LocalCandidate>();
  readonly #connects = new Map<AskId, CandidatePair>();
  readonly #names = new Map<
    AskId,
    { generation: IceGeneration; withIp: (ip: IpAddress) => RemoteCandidate }
  >();
  #selected: CandidatePair | undefined;
  readonly #selection: Selection;
  #state: IceState = "new";
  #startedAt: Millis | undefined;
  #lastAnswerAt: Millis = LONG_AGO;
  #hadValidPair = false;
  #isRechecked = false;
  #paceAt: Millis = LONG_AGO;
  #wakeAt: Millis = NEVER;
  #refusalsSince: Millis = LONG_AGO;
  #refusals = 0;
  #nextId = 1;
  #requestsReceived = 0;
  #answersReceived = 0;
  #wrongCredentials = 0;
  #roleConflicts = 0;

  /** @throws {RangeError} when the parameters are none. */
  constructor(environment: Environment<CryptoProvider>, options: IceAgentOptions) {
    const { role, parameters, isLite = false, supportsRenomination = true, timings } = options;
    this.#environment = environment;
    this.#timings = { ...DEFAULT_ICE_TIMINGS, ...timings };
    this.#isLite = isLite;
    this.#supportsRenomination = supportsRenomination;
    this.#role = role;
    this.#tieBreaker = this.#newTieBreaker();
    this.#checker = new Checker(environment.random, this.#timings);
    this.#selection = new Selection(this.#timings);
    this.#generation = this.#newGeneration(0, parameters);
  }

  /**
   * Sets what the other side's description says. Checks that came before are acted on now.
   *
   * @throws {RangeError} when they are no ICE parameters.
   * @throws {InvalidStateError} when this generation has others already: `restart` comes first.
   */
  setRemoteParameters(remote: RemoteIceParameters, now: Millis): void {
    checkIceParameters(remote);
    const generation = this.#generation;
    const known = generation.remote;
    if (known !== undefined) {
      if (known.usernameFragment === remote.usernameFragment && known.password === remote.password) return;
      throw new InvalidStateError(
        "the other side has restarted ICE: call restart() before its new parameters",
      );
    }
    generation.remote = remote;
    // RFC 8445 §6.1.1: with one lite side the other one controls.
    if (remote.isLite === true && !this.#isLite && this.#role === "controlled") this.#switchRole();
    for (const early of generation.earlyChecks.splice(0)) {
      if (early.remoteFragment === remote.usernameFragment) this.#actOn(generation, early, now);
    }
    this.#evaluate(now);
  }

  /** Takes a candidate of ours, of the current generation. Beyond 100 they are left out. */
  addLocalCandidate(candidate: LocalCandidate, now: Millis): void {
    this.#generation.addLocal(candidate, now);
    this.#evaluate(now);
  }

  /** There will be no more of our candidates in this generation. */
  endLocalCandidates(now: Millis): void {
    this.#generation.isLocalEnded = true;
    this.#evaluate(now);
  }

  /**
   * Takes a candidate that the other side named.
   *
   * @param attribute - As SDP has it; lent.
   * @returns why it is of no use, in words; undefined when it is.
   */
  addRemoteCandidate(attribute: CandidateAttribute, now: Millis): string | undefined {
    const generation = this.#generation;
    const reading = readRemoteCandidate(attribute);
    if (reading.type === "unusable") return reading.reason;
    if (generation.remoteCandidates.length + generation.pendingNames >= MAX_CANDIDATES) {
      this.counters.dropped++;
      return `more than ${MAX_CANDIDATES} candidates`;
    }
    if (reading.type === "candidate") generation.addRemote(reading.candidate, now);
    else {
      const id = this.#nextId++;
      generation.pendingNames++;
      this.#names.set(id, { generation, withIp: (ip) => reading.withIp(ip) });
      this.#emit({ type: "resolve", id, hostname: reading.hostname });
    }
    this.#evaluate(now);
    return undefined;
  }

  /** The other side has named all its candidates (RFC 8838 §13). */
  endRemoteCandidates(now: Millis): void {
    this.#generation.isRemoteEnded = true;
    this.#evaluate(now);
  }

  /**
   * Begins a new generation (RFC 8445 §9): its local candidates and the other side's parameters have to be given anew. The
   * selected pair goes on carrying data until the new generation has one.
   *
   * @param parameters - Made up when left out.
   * @throws {InvalidStateError} after {@link close}.
   */
  restart(now: Millis, parameters?: IceParameters): void {
    if (this.#state === "closed") throw new InvalidStateError("a closed ICE agent cannot restart");
    const old = this.#generation;
    const keeps = this.#selected?.isValid === true;
    for (const connect of this.#connects.values()) connect.state = "failed";
    this.#connects.clear();
    this.#names.clear();
    this.#triggered.splice(0);
    this.#checker.cancel((pair) => pair !== this.#selected);
    // When the last restart has not found a pair yet, the selected one is of the generation before it.
    if (this.#selected === undefined || this.#selected.generation === old)
      this.#previous = keeps ? old : undefined;
    this.#previousUntil = NEVER;
    this.#generation = this.#newGeneration(old.number + 1, parameters);
    this.#selection.reset();
    this.#startedAt = undefined;
    this.#isRechecked = false;
    this.#hadValidPair = false;
    if (this.#state === "failed") this.#state = "disconnected";
    this.#evaluate(now);
  }

  /** A route is gone: a socket has closed, an interface was unplugged, an allocation has ended. */
  removeRoute(route: SocketId, now: Millis): void {
    for (const generation of this.#generations()) {
      for (const pair of generation.removeRoute(route)) this.#dropPair(pair);
    }
    this.#streams.delete(route);
    this.#evaluate(now);
  }

  /** A TCP connection came to the passive candidate whose listening socket is `listener`; false when there is none. */
  addStream(route: SocketId, listener: SocketId): boolean {
    const local = this.#generation.localCandidates.find(
      (candidate) => candidate.route === listener && candidate.tcpType === "passive",
    );
    if (local === undefined || this.#streams.size >= MAX_CANDIDATES) return false;
    this.#streams.set(route, local);
    return true;
  }

  /** Data of `bytes` bytes has left by the selected pair. */
  countSent(bytes: number, now: Millis): void {
    const pair = this.#selected;
    if (pair === undefined) return;
    pair.packetsSent++;
    pair.bytesSent += bytes;
    pair.lastPacketSentAt = now;
  }

  /** Data has come. */
  countReceived(route: SocketId, from: TransportAddress, bytes: number, now: Millis): void {
    const pair = this.#findPair(route, from);
    if (pair === undefined) return;
    pair.packetsReceived++;
    pair.bytesReceived += bytes;
    pair.lastPacketReceivedAt = now;
  }

  /** Ends it: nothing is sent or answered any more. */
  close(): void {
    if (this.#state === "closed") return;
    this.#release();
    for (const route of this.#streams.keys()) this.#emit({ type: "disconnect", route });
    this.#streams.clear();
    this.#setState("closed");
    this.#wakeAt = NEVER;
  }

  handleInput(datagram: IncomingDatagram, now: Millis): void {
    if (this.#state === "closed") return;
    const message = safeDecodeStunMessage(datagram.bytes, this.#message);
    // RFC 8445 §7.1: FINGERPRINT is part of every check and answer.
    if (
      typeof message === "string" ||
      message.method !== StunMethod.binding ||
      message.checkFingerprint() !== "valid"
    ) {
      this.counters.ignored++;
      return;
    }
    if (message.messageClass === "indication") return;
    if (message.messageClass === "request") this.#handleRequest(message, datagram, now);
    else this.#handleResponse(message, datagram, now);
    this.#evaluate(now);
  }

  /** Answers a `resolve` event; `ip` is undefined when the name has no address. */
  handleResolved(id: AskId, ip: IpAddress | undefined, now: Millis): void {
    const ask = this.#names.get(id);
    if (ask === undefined) return;
    this.#names.delete(id);
    ask.generation.pendingNames--;
    if (ip !== undefined) ask.generation.addRemote(ask.withIp(ip), now);
    this.#evaluate(now);
  }

  /** Answers a `connect` event: what comes on the connection carries `route`. */
  handleConnected(id: AskId, route: SocketId, now: Millis): void {
    const pair = this.#connects.get(id);
    this.#connects.delete(id);
    if (pair === undefined || pair.state === "failed") {
      this.#emit({ type: "disconnect", route });
      return;
    }
    pair.isConnecting = false;
    pair.generation.checks.setRoute(pair, route);
    this.#streams.set(route, pair.local);
    this.#check(pair, now);
    this.#evaluate(now);
  }

  /** Answers a `connect` event: it cannot be had. */
  handleConnectFailure(id: AskId, now: Millis): void {
    const pair = this.#connects.get(id);
    this.#connects.delete(id);
    if (pair === undefined) return;
    pair.isConnecting = false;
    pair.state = "failed";
    this.#evaluate(now);
  }

  handleTimeout(now: Millis): void {
    if (this.#state === "closed") return;
    for (let due = this.#checker.expire(now); due !== undefined; due = this.#checker.expire(now)) {
      this.#handleOutcome(due, undefined, now);
    }
    this.#evaluate(now);
  }

  /** STUN messages to be sent by the route that they name. */
  pollTransmit(): OutgoingDatagram | undefined {
    return this.#checker.pollTransmit();
  }

  pollEvent(): IceAgentEvent | undefined {
    return this.#events.shift();
  }

  pollTimeout(): Millis {
    return this.#state === "closed" ? NEVER : Math.min(this.#checker.next(), this.#wakeAt);
  }

  get state(): IceState {
    return this.#state;
  }

  get role(): IceRole {
    return this.#role;
  }

  /** Ours, of the current generation: secret but for the other side. */
  get localParameters(): IceParameters {
    return this.#generation.local;
  }

  get remoteParameters(): RemoteIceParameters | undefined {
    return this.#generation.remote;
  }

  /** How many restarts there were. */
  get generation(): number {
    return this.#generation.number;
  }

  /** By which data goes; undefined before one works and after the last one has died. */
  get selectedPair(): IceCandidatePair | undefined {
    return this.#selected;
  }

  get localCandidates(): readonly LocalCandidate[] {
    return this.#generation.localCandidates;
  }

  get remoteCandidates(): readonly RemoteCandidate[] {
    return this.#generation.remoteCandidates;
  }

  /** Every pair, the best first; a still selected one of the generation before comes last. */
  pairs(): IcePairStats[] {
    return this.#generations().flatMap(({ checks }) => checks.pairs.map((pair) => pair.stats()));
  }

  /** Whether a check with the right password came from there, or an answer: what comes from elsewhere is nobody's. */
  isValidated(route: SocketId, from: TransportAddress): boolean {
    const selected = this.#selected;
    if (selected?.route === route && selected.remote.address.equals(from)) return true;
    // After a restart both generations may have the pair, and only the old one has been checked yet.
    for (const { checks } of this.#generations()) {
      if (checks.find(route, from)?.isAuthenticated === true) return true;
    }
    return this.#generation.earlyChecks.some((early) => early.route === route && early.from.equals(from));
  }

  /** What happened so far in this generation. */
  facts(): IceFacts {
    const { localCandidates, remoteCandidates, isLocalEnded, isRemoteEnded, remote, checks } =
      this.#generation;
    const tried: Record<string, { checked: number; valid: number }> = {};
    for (const pair of checks.pairs) {
      if (pair.requestsSent === 0) continue;
      const key = `${pair.local.type} ${pair.remote.type}`;
      const entry = tried[key] ?? { checked: 0, valid: 0 };
      tried[key] = entry;
      entry.checked++;
      if (pair.responsesReceived > 0) entry.valid++;
    }
    return {
      localCandidates: countCandidates(localCandidates),
      remoteCandidates: countCandidates(remoteCandidates),
      isLocalEnded,
      isRemoteEnded,
      hasRemoteParameters: remote !== undefined,
      pairs: checks.pairs.length,
      tried,
      checksSent: this.#checker.sentCount,
      answersReceived: this.#answersReceived,
      requestsReceived: this.#requestsReceived,
      wrongCredentials: this.#wrongCredentials,
      roleConflicts: this.#roleConflicts,
      hadValidPair: this.#hadValidPair,
    };
  }

  // Candidates and pairs.

  #dropPair(pair: CandidatePair): void {
    pair.state = "failed";
    this.#checker.cancel((other) => other === pair);
    pair.generation.checks.remove(pair);
    this.#untrigger(pair);
    if (pair.local.protocol === "udp" || pair.route === undefined) return;
    this.#streams.delete(pair.route);
    this.#emit({ type: "disconnect", route: pair.route });
  }

  #findPair(route: SocketId, from: TransportAddress): CandidatePair | undefined {
    const selected = this.#selected;
    if (selected?.route === route && selected.remote.address.equals(from)) return selected;
    return this.#generation.checks.find(route, from) ?? this.#previous?.checks.find(route, from);
  }

  #generations(): IceGeneration[] {
    return this.#previous === undefined ? [this.#generation] : [this.#generation, this.#previous];
  }

  // Requests.

  #handleRequest(message: StunMessage, { from, socket }: IncomingDatagram, now: Millis): void {
    const verdict = judgeRequest(message, this.#generations(), this.#role, this.#tieBreaker);
    const { builder } = this.#checker;
    if (verdict.type === "refuse") {
      if (verdict.key === undefined && !this.#mayRefuse(verdict.code, now)) return;
      if (verdict.code === StunErrorNumber.roleConflict) this.#roleConflicts++;
      this.#checker.reply({ bytes: encodeRefusal(builder, message, verdict), to: from, socket });
      return;
    }
    this.#requestsReceived++;
    const { generation, fragment, priority, isNominating, nomination, switchesRole } = verdict;
    const bytes = encodeSuccess(builder, message, from, generation.localKey);
    this.#checker.reply({ bytes, to: from, socket });
    if (this.#state === "failed") return;
    if (switchesRole) {
      this.#roleConflicts++;
      this.#switchRole();
    }
    const early = { route: socket, from, priority, isNominating, nomination, remoteFragment: fragment };
    if (generation.remote === undefined) generation.keepEarly(early);
    else if (generation.remote.usernameFragment === fragment) this.#actOn(generation, early, now);
  }

  /** Counts a request that is not authentic; whether it is answered at all. */
  #mayRefuse(code: number, now: Millis): boolean {
    this.counters.unauthenticated++;
    if (code === StunErrorNumber.unauthenticated) this.#wrongCredentials++;
    if (now - this.#refusalsSince >= 1000) {
      this.#refusalsSince = now;
      this.#refusals = 0;
    }
    if (this.#refusals >= MAX_REFUSALS_PER_SECOND) {
      this.counters.limited++;
      return false;
    }
    this.#refusals++;
    return true;
  }

  /** Draws the conclusions of an authentic check that was answered (RFC 8445 §7.3.1.3 to §7.3.1.5). */
  #actOn(generation: IceGeneration, check: EarlyCheck, now: Millis): void {
    const pair = generation.checks.find(check.route, check.from) ?? this.#learnPair(generation, check, now);
    if (pair === undefined) return;
    pair.requestsReceived++;
    pair.responsesSent++;
    pair.lastRequestAt = now;
    pair.isAuthenticated = true;
    if (this.#isLite) {
      pair.lastAnswerAt = now;
      if (!pair.isValid) this.#makeValid(pair, now);
    }
    // The old generation carries data while it has to; nothing more is decided about it.
    if (generation !== this.#generation) return;
    if (check.isNominating && this.#role === "controlled") {
      const value = this.#supportsRenomination ? check.nomination : undefined;
      this.#selection.handleNomination(pair, value, now);
    }
    if (!this.#isLite) this.#trigger(pair, now);
  }

  #learnPair(generation: IceGeneration, check: EarlyCheck, now: Millis): CandidatePair | undefined {
    const local = generation.localOf(check.route) ?? this.#streams.get(check.route);
    if (local === undefined || generation !== this.#generation) return undefined;
    return generation.learnPair(check, local, now);
  }

  /** RFC 8445 §7.3.1.4. */
  #trigger(pair: CandidatePair, now: Millis): void {
    switch (pair.state) {
      case "succeeded":
        if (pair.silentFor(now) >= RETRIGGER_MS) pair.nextLivenessAt = Math.min(pair.nextLivenessAt, now);
        return;
      case "in-progress":
        // The first check may have died on the NAT that the other side's has just opened: another one, at once.
        if (pair.requestsReceived > 1 && now - pair.lastCheckAt < RETRIGGER_MS) return;
        break;
      case "failed":
      case "frozen":
      case "waiting":
        pair.state = "waiting";
        break;
      default:
        pair.state satisfies never;
    }
    if (!this.#triggered.includes(pair)) this.#triggered.push(pair);
  }

  #untrigger(pair: CandidatePair): void {
    const index = this.#triggered.indexOf(pair);
    if (index !== -1) this.#triggered.splice(index, 1);
  }

  // Checks and their outcomes.

  #check(pair: CandidatePair, now: Millis): void {
    if (pair.isConnecting) return;
    if (pair.route === undefined) {
      this.#connect(pair);
      return;
    }
    if (!pair.isValid) pair.state = "in-progress";
    const { pairs } = this.#generation.checks;
    const pending = pairs.filter(({ state }) => state === "in-progress" || state === "waiting").length;
    const isSpare = this.#selection.nominee !== undefined && isBetter(this.#selection.nominee, pair);
    this.#send(pair, false, pending, isSpare ? SPARE_SENDS : this.#timings.maxSends, now);
  }

  /** RFC 6544 §7.1: the connection first. */
  #connect(pair: CandidatePair): void {
    const id = this.#nextId++;
    pair.isConnecting = true;
    pair.state = "in-progress";
    this.#connects.set(id, pair);
    this.#emit({ type: "connect", id, local: pair.local, to: pair.remote.address });
  }

  #send(pair: CandidatePair, isLiveness: boolean, pending: number, maxSends: number, now: Millis): void {
    const isNominating = this.#role === "controlling" && this.#selection.nominee === pair;
    const nomination = this.#canRenominate(pair.generation) ? pair.nomination : undefined;
    const content = { role: this.#role, tieBreaker: this.#tieBreaker, isNominating, nomination };
    this.#checker.send(pair, content, isLiveness, pending, maxSends, now);
  }

  #handleResponse(message: StunMessage, datagram: IncomingDatagram, now: Millis): void {
    const outcome = this.#checker.handleResponse(message, datagram, now);
    if (outcome === undefined) this.counters.unmatched++;
    else this.#handleOutcome(outcome, message.get(XOR_MAPPED_ADDRESS), now);
  }

  #handleOutcome(outcome: CheckOutcome, mapped: TransportAddress | undefined, now: Millis): void {
    const { pair, isLiveness, role } = outcome.context;
    switch (outcome.type) {
      case "success":
        if (mapped === undefined) this.#failCheck(pair, isLiveness);
        else this.#handleAnswer(pair, mapped, outcome.roundTripMs, outcome.context.isNominating, now);
        return;
      case "refused":
        // RFC 8445 §7.2.5.1. Several checks may be refused for the one conflict: the role is switched once.
        if (outcome.error.code === StunErrorNumber.roleConflict) {
          this.#roleConflicts++;
          if (role === this.#role) {
            this.#switchRole();
            this.#tieBreaker = this.#newTieBreaker();
          }
          pair.noteAnswer(undefined, now);
          if (!pair.isValid) {
            pair.state = "waiting";
            if (!this.#triggered.includes(pair)) this.#triggered.push(pair);
          }
        } else this.#failCheck(pair, isLiveness);
        return;
      case "failure":
        if (outcome.reason === "integrity") this.#wrongCredentials++;
        this.#failCheck(pair, isLiveness);
        return;
      default:
        outcome satisfies never;
    }
  }

  /** RFC 8445 §7.2.5.2: the pair has failed, unless another check of it is still out. */
  #failCheck(pair: CandidatePair, isLiveness: boolean): void {
    if (isLiveness || pair.isValid || pair.checksInFlight > 0 || this.#triggered.includes(pair)) return;
    pair.state = "failed";
  }

  /** RFC 8445 §7.2.5.3. */
  #handleAnswer(
    pair: CandidatePair,
    mapped: TransportAddress,
    roundTripMs: Millis | undefined,
    isNominating: boolean,
    now: Millis,
  ): void {
    this.#answersReceived++;
    this.#lastAnswerAt = now;
    pair.noteAnswer(roundTripMs, now);
    if (isNominating && this.#selection.nominee === pair) pair.isNominated = true;
    if (pair.local.protocol === "udp" && !pair.local.address.equals(mapped))
      pair.generation.setMapped(pair, mapped);
    if (!pair.isValid) this.#makeValid(pair, now);
    this.#scheduleLiveness(pair, now);
    if (!pair.isNominationDue) return;
    pair.isNominationDue = false;
    if (this.#role === "controlled") this.#selection.setNominee(pair, now);
  }

  #makeValid(pair: CandidatePair, now: Millis): void {
    pair.state = "succeeded";
    pair.validAt = now;
    this.#hadValidPair = true;
    this.#lastAnswerAt = now;
    this.#untrigger(pair);
    // A pair that comes up while another one is in use may mean that the other side has moved: ask.
    const selected = this.#selected;
    if (selected !== undefined && selected !== pair && selected.route === pair.route)
      selected.nextLivenessAt = now;
  }

  // Roles.

  #switchRole(): void {
    this.#role = this.#role === "controlling" ? "controlled" : "controlling";
    for (const generation of this.#generations()) {
      generation.isControlling = this.#role === "controlling";
      generation.checks.recompute(generation.isControlling);
    }
    if (this.#selection.nominee?.isNominated !== true) this.#selection.dropNominee();
    this.#emit({ type: "roleChange", role: this.#role });
  }

  #newTieBreaker(): bigint {
    return new DataView(this.#environment.random.fill(new Uint8Array(8)).buffer).getBigUint64(0);
  }

  #newGeneration(number: number, parameters: IceParameters | undefined): IceGeneration {
    if (parameters !== undefined) checkIceParameters(parameters);
    const { crypto, random } = this.#environment;
    const generation = new IceGeneration(
      crypto,
      number,
      parameters ?? createIceParameters(random),
      this.counters,
    );
    generation.isControlling = this.#role === "controlling";
    return generation;
  }

  // After every turn: what is to be done, what has changed, when to wake.

  #evaluate(now: Millis): void {
    if (this.#state === "closed") return;
    this.#wakeAt = NEVER;
    if (this.#state === "failed") return;
    this.#start(now);
    this.#expire(now);
    this.#select(now);
    this.#pace(now);
    this.#keepAlive(now);
    this.#updateState(now);
  }

  #wake(at: Millis, now: Millis): void {
    if (at > now && at < this.#wakeAt) this.#wakeAt = at;
  }

  #start(now: Millis): void {
    const { remote, remoteCandidates, localCandidates } = this.#generation;
    if (this.#startedAt !== undefined || remote === undefined) return;
    if (remoteCandidates.length === 0 && !this.#generation.isRemoteEnded) return;
    this.#startedAt = now;
    if (this.#isLite && remote.isLite === true && localCandidates.length > 0) this.#wake(now, now);
  }

  /** RFC 7675 §5.1: what has not answered for 30 seconds is not sent to. */
  #expire(now: Millis): void {
    const { consentMs } = this.#timings;
    if (this.#previous !== undefined && now >= this.#previousUntil) {
      for (const pair of [...this.#previous.checks.pairs]) this.#dropPair(pair);
      this.#previous = undefined;
    }
    this.#wake(this.#previousUntil, now);
    if (this.#isLite && this.#generation.remote?.isLite === true) return;
    for (const { checks } of this.#generations()) {
      for (const pair of checks.pairs) {
        if (!pair.isValid) continue;
        if (now - pair.lastAnswerAt >= consentMs) pair.state = "failed";
        else this.#wake(pair.lastAnswerAt + consentMs, now);
      }
    }
  }

  /** RFC 8445 §8.2: two lite sides check nothing; the best pair is what there is. */
  #selectUnchecked({ checks }: IceGeneration, now: Millis): void {
    const [first] = checks.pairs;
    if (first === undefined || first.isValid) return;
    first.lastAnswerAt = now;
    this.#makeValid(first, now);
    this.#selection.setNominee(first, now);
  }

  #canRenominate({ remote }: IceGeneration): boolean {
    return this.#supportsRenomination && remote?.supportsRenomination === true;
  }

  #select(now: Millis): void {
    const generation = this.#generation;
    const selection = this.#selection;
    if (selection.nominee?.isValid === false) selection.dropNominee();
    if (this.#isLite && generation.remote?.isLite === true) this.#selectUnchecked(generation, now);
    const best = bestValid(generation);
    if (this.#role === "controlling" && !this.#isLite && best !== undefined) {
      const { pair, wakeAt } = selection.next(generation, best, this.#canRenominate(generation), now);
      this.#wake(wakeAt, now);
      if (pair !== undefined) {
        selection.nominate(pair, now);
        this.#send(pair, false, 0, this.#timings.maxSends, now);
      }
    }
    this.#setSelected(selection.choose(generation, best, this.#selected, now), now);
    if (selection.nominee !== undefined && this.#previous !== undefined) {
      this.#previousUntil = Math.min(this.#previousUntil, now + OLD_GENERATION_MS);
      this.#wake(this.#previousUntil, now);
    }
  }

  #setSelected(pair: CandidatePair | undefined, now: Millis): void {
    if (pair === this.#selected) return;
    this.#selected = pair;
    if (pair !== undefined) {
      pair.selectedAt = now;
      pair.nextLivenessAt = Math.min(pair.nextLivenessAt, now + this.#timings.livenessMs);
    }
    this.#emit({ type: "selectedPairChange", pair });
  }

  /** RFC 8445 §6.1.4.2: one check at a time, triggered ones first. */
  #pace(now: Millis): void {
    const { checks, remote } = this.#generation;
    if (this.#isLite || remote === undefined) return;
    if (this.#triggered.length === 0 && !checks.hasUnchecked) return;
    if (now >= this.#paceAt) {
      const pair = this.#triggered.shift() ?? checks.next(now);
      this.#paceAt = now + this.#timings.paceMs;
      if (pair !== undefined) this.#check(pair, now);
    }
    this.#wake(this.#paceAt, now);
  }

  /** Checks the pairs that are kept: the selected one, and some to fall back to. */
  #keepAlive(now: Millis): void {
    if (this.#isLite) return;
    const selected = this.#selected;
    const isSilent = selected !== undefined && selected.silentFor(now) >= this.#timings.retryMs;
    if (selected !== undefined && !isSilent) this.#isRechecked = false;
    for (const pair of this.#keptPairs()) {
      // Now is when the others are needed: do they live?
      const isNeeded = isSilent && pair !== selected && pair.lastCheckAt < (selected.unansweredSince ?? now);
      if (now >= pair.nextLivenessAt || isNeeded) {
        const { retryMs, livenessMs } = this.#timings;
        this.#send(pair, true, 0, 1, now);
        pair.nextLivenessAt = now + (pair === selected ? retryMs : livenessMs);
      }
      this.#wake(pair.nextLivenessAt, now);
    }
    if (selected?.unansweredSince !== undefined)
      this.#wake(selected.unansweredSince + this.#timings.retryMs, now);
  }

  #keptPairs(): CandidatePair[] {
    const others = this.#generation.checks.pairs.filter((pair) => pair.isValid && pair !== this.#selected);
    const kept = others.slice(0, MAX_BACKUPS);
    // A relay lives where every direct way may be cut off at once.
    const relayed = others.find(({ isRelayed }) => isRelayed);
    if (relayed !== undefined && !kept.includes(relayed)) kept.push(relayed);
    if (this.#selected !== undefined) kept.push(this.#selected);
    return kept;
  }

  /** The next check of a pair that has just answered. */
  #scheduleLiveness(pair: CandidatePair, now: Millis): void {
    const { livenessMs, backupMs } = this.#timings;
    const interval = pair === this.#selected || pair === this.#selection.nominee ? livenessMs : backupMs;
    // RFC 7675 §5.1: from 0.8 to 1.2 of it, so that agents do not fall into step. Never above it, for the figure's sake.
    pair.nextLivenessAt = now + interval * (0.8 + 0.2 * randomUnit(this.#environment.random));
  }

  #updateState(now: Millis): void {
    const state = this.#judgeState(now);
    if (state === this.#state) return;
    if (state === "failed") this.#release();
    this.#setState(state);
    if (state === "disconnected") this.#recheck(now);
  }

  #judgeState(now: Millis): IceState {
    const { consentMs, disconnectedMs } = this.#timings;
    const selected = this.#selected;
    if (selected !== undefined) {
      const limit = this.#isLite ? LITE_DISCONNECTED_MS : disconnectedMs;
      const isDoubtful = this.#isLite
        ? this.#generation.remote?.isLite !== true
        : selected.unansweredSince !== undefined;
      if (isDoubtful && now - selected.lastAnswerAt >= limit) return "disconnected";
      if (isDoubtful) this.#wake(selected.lastAnswerAt + limit, now);
      return this.#isComplete(selected) ? "completed" : "connected";
    }
    const failAt = this.#failureTime();
    if (now >= failAt) return "failed";
    this.#wake(failAt, now);
    if (this.#hadValidPair) {
      const lostAt = this.#lastAnswerAt + consentMs;
      if (now >= lostAt) return "failed";
      this.#wake(lostAt, now);
      return "disconnected";
    }
    if (this.#startedAt !== undefined) return "checking";
    return this.#state === "new" ? "new" : "disconnected";
  }

  /** `RTCIceTransportState`: gathered, told the end of the other side's candidates, and done with checking. */
  #isComplete(selected: CandidatePair): boolean {
    const { isLocalEnded, isRemoteEnded, pendingNames, checks } = this.#generation;
    if (selected !== this.#selection.nominee || selected.generation !== this.#generation) return false;
    // RFC 8445 §8.1.2: with the nomination the check list is completed; only better pairs could still change it.
    const isOpen = checks.pairs.some((pair) => pair.isPending && isBetter(pair, selected));
    return isLocalEnded && isRemoteEnded && pendingNames === 0 && !isOpen;
  }

  /** When checking that has led to nothing is given up. */
  #failureTime(): Millis {
    const { failMs } = this.#timings;
    const startedAt = this.#startedAt;
    const { checks, isLocalEnded, isRemoteEnded, pendingNames } = this.#generation;
    if (startedAt === undefined || checks.pairs.some(({ isValid }) => isValid)) return NEVER;
    if (this.#hadValidPair) return NEVER;
    const isOver = checks.pairs.length > 0 && checks.pairs.every(({ state }) => state === "failed");
    if (isOver && isLocalEnded && isRemoteEnded && pendingNames === 0) return startedAt + MIN_CHECKING_MS;
    // Candidates that come late get their time, but not for ever.
    return Math.min(Math.max(startedAt, this.#generation.lastPairAt) + failMs, startedAt + 2 * failMs);
  }

  /** The path is lost: what failed before the network changed may work now. */
  #recheck(now: Millis): void {
    if (this.#isRechecked || this.#isLite) return;
    this.#isRechecked = true;
    for (const pair of this.#generation.checks.pairs) {
      if (pair.state === "failed" && pair.generation.remote !== undefined) pair.state = "waiting";
    }
    this.#wake(Math.max(this.#paceAt, now + 1), now);
  }

  #setState(state: IceState): void {
    this.#state = state;
    this.#environment.log.info(`ICE is ${state}`, { role: this.#role });
    this.#emit({ type: "stateChange", state });
  }

  /** Stops everything that is under way. */
  #release(): void {
    this.#checker.cancel(() => true);
    this.#triggered.splice(0);
    for (const { checks } of this.#generations()) {
      for (const pair of checks.pairs) if (pair.isPending || pair.isValid) pair.state = "failed";
    }
    this.#selection.dropNominee();
    if (this.#selected !== undefined) {
      this.#selected = undefined;
      this.#emit({ type: "selectedPairChange", pair: undefined });
    }
  }

  #emit(event: IceAgentEvent): void {
    // What asks for something is bounded by the candidates; what tells of something is told by the getters as well.
    if (!this.#events.push(event)) this.counters.dropped++;
  }
}
