import type { Language } from "../http/languages.ts";
import type { CheckName, Finding, FindingCode, FindingValues } from "./finding.ts";

type Sentence = (values: FindingValues) => string;

/** A finding in words, and what to do about it. */
interface FindingWords {
  readonly text: Sentence;
  readonly fix?: Sentence;
}

interface DoctorWords {
  readonly checks: Readonly<Record<CheckName, string>>;
  readonly findings: Readonly<Record<FindingCode, FindingWords>>;
  readonly allWell: string;
  readonly summary: (failed: number, warned: number) => string;
}

const openFirewall: Sentence = ({ port, transport }) => {
  const protocol = String(transport).toLowerCase();
  return `ufw allow ${port}/${protocol}   # or: iptables -I INPUT -p ${protocol} --dport ${port} -j ACCEPT; and in the cloud's console`;
};

export const DOCTOR_WORDS: Readonly<Record<Language, DoctorWords>> = {
  en: {
    checks: {
      node: "Node",
      clock: "Clock",
      files: "Data folder",
      openFiles: "Open files",
      ports: "Ports",
      server: "Server",
      certificate: "Certificate",
      https: "HTTPS",
      stun: "STUN",
      turnUdp: "TURN over UDP",
      turnTcp: "TURN over TCP",
      turnTls: "TURN over TLS",
    },
    findings: {
      NODE_OK: { text: (v) => `${v["version"]}` },
      NODE_TOO_OLD: {
        text: (v) => `${v["version"]} is too old: ${v["wanted"]} is needed`,
        fix: () => "https://nodejs.org/en/download",
      },
      CLOCK_OK: { text: (v) => `${v["time"]}` },
      CLOCK_BEHIND: {
        text: (v) => `${v["time"]} is before ${v["made"]}, when the certificate was made: the clock is wrong`,
        fix: () => "timedatectl set-ntp true",
      },
      CLOCK_DIFFERS: {
        text: (v) => `the server's clock and this one differ by ${v["seconds"]} s`,
        fix: () => "timedatectl set-ntp true   # on whichever is wrong",
      },
      FILES_OK: { text: (v) => `${v["path"]} is for its owner only` },
      FILES_READABLE_BY_OTHERS: {
        text: (v) => `others on this machine can read ${v["names"]} in ${v["path"]}`,
        fix: (v) => `chmod -R go-rwx ${v["path"]}`,
      },
      FILES_MISSING: { text: (v) => `${v["path"]} is not there yet; the first start makes it` },
      OPEN_FILES_OK: { text: (v) => `enough for ${v["wanted"]} connections` },
      OPEN_FILES_FEW: {
        text: (v) => `the system allows ${v["limit"]}, and ${v["wanted"]} connections may come`,
        fix: () => "ulimit -n 65536   # in a service: LimitNOFILE=65536",
      },
      PORTS_SERVED: { text: (v) => `naru ${v["version"]} is running on ${v["port"]}` },
      PORTS_STARTED: {
        text: (v) => `${v["port"]} was free for TCP and UDP; started a server for this check`,
      },
      PORT_HELD: {
        text: (v) => `${v["transport"]} ${v["port"]} is held by ${v["holder"]}`,
        fix: (v) => `naru --port ${v["other"]}   # or end that program: ss -lntup 'sport = :${v["port"]}'`,
      },
      SERVER_FAILED: { text: (v) => `${v["problem"]}`, fix: (v) => `${v["remedy"]}` },
      SERVER_UNREACHABLE: {
        text: (v) => `${v["url"]} cannot be reached: ${v["problem"]}`,
        fix: (v) => `curl -v ${v["url"]}/healthz   # is the name right, the server running, TCP open?`,
      },
      SERVER_NOT_NARU: {
        text: (v) => `what answers at ${v["url"]} is not naru`,
        fix: () =>
          "naru doctor --url https://<host>:<port>   # the port of naru, or the proxy's configuration",
      },
      CERTIFICATE_OK: { text: (v) => `trusted, for ${v["names"]}, valid until ${v["until"]}` },
      CERTIFICATE_OWN: {
        text: (v) =>
          `of this server's own authority, for ${v["names"]}, valid until ${v["until"]}; browsers warn once`,
      },
      CERTIFICATE_UNTRUSTED: {
        text: (v) => `no authority that is known here vouches for it: ${v["problem"]}`,
        fix: () =>
          "serve the whole chain (fullchain.pem), or install the server's /ca.crt on people's devices",
      },
      CERTIFICATE_EXPIRED: {
        text: (v) => `expired on ${v["until"]}`,
        fix: () => "certbot renew   # naru looks at the files every minute, no restart is needed",
      },
      CERTIFICATE_EXPIRES: {
        text: (v) => `expires on ${v["until"]}, in ${v["days"]} days`,
        fix: () => "certbot renew   # naru looks at the files every minute, no restart is needed",
      },
      CERTIFICATE_NOT_YET_VALID: {
        text: (v) => `valid from ${v["from"]} only, which is in the future: one of the clocks is wrong`,
        fix: () => "timedatectl set-ntp true",
      },
      CERTIFICATE_WRONG_NAME: {
        text: (v) => `not for ${v["host"]}, only for ${v["names"]}`,
        fix: (v) => `a certificate with the name ${v["host"]}; or another name in the address`,
      },
      HTTPS_OK: { text: (v) => `answers at ${v["address"]}` },
      HTTPS_FAILED: {
        text: (v) => `TCP ${v["port"]} at ${v["address"]}: ${v["problem"]}`,
        fix: openFirewall,
      },
      NAME_UNKNOWN: {
        text: (v) => `the name ${v["host"]} has no address`,
        fix: (v) => `an A or AAAA record for ${v["host"]}`,
      },
      PUBLIC_UNREACHABLE: {
        text: (v) => `${v["url"]} cannot be reached from here: ${v["problem"]}`,
        fix: () => "ask it from another network: some routers do not lead back to themselves",
      },
      STUN_OK: { text: (v) => `answers at ${v["address"]}` },
      STUN_FAILED: { text: (v) => `UDP ${v["port"]} at ${v["address"]}: ${v["problem"]}`, fix: openFirewall },
      STUN_BLOCKED: {
        text: (v) =>
          `UDP ${v["port"]} at ${v["address"]} is silent while TCP works there: a firewall drops UDP`,
        fix: openFirewall,
      },
      STUN_OFF: { text: () => "switched off (stun.enabled)" },
      TURN_OK: {
        text: (v) =>
          `relays at ${v["address"]}: allocation, permission and echo in ${v["rttMs"]} ms, from ${v["relayed"]}`,
      },
      TURN_FAILED: { text: (v) => `${v["address"]}, ${v["stage"]}: ${v["problem"]}`, fix: openFirewall },
      TURN_BLOCKED: {
        text: (v) =>
          `${v["address"]} is silent: UDP ${v["port"]} is blocked. Calls are relayed over TCP and TLS instead, with more delay`,
        fix: openFirewall,
      },
      TURN_REFUSED: {
        text: (v) => `${v["address"]} refuses: ${v["problem"]}`,
        fix: () =>
          "naru doctor with the --config and --data-dir of the running server: its secret is another one",
      },
      TURN_NO_ECHO: {
        text: (v) => `${v["address"]} gave ${v["relayed"]}, and what is sent to it is lost`,
        fix: () => "look at turn.denyPeers, turn.relayAddresses and turn.publicAddresses: naru config print",
      },
      TURN_CERTIFICATE: {
        text: (v) => `${v["address"]}: the certificate is refused: ${v["problem"]}`,
        fix: (v) => `a certificate for ${v["host"]}; browsers accept no exception here`,
      },
      TURN_OFF: { text: () => "switched off (turn.enabled)" },
      TURN_NO_CREDENTIALS: {
        text: (v) => `the server gave no credentials: ${v["problem"]}`,
        fix: () => "naru doctor on the server's machine, with its configuration",
      },
    },
    allWell: "Everything works.",
    summary: (failed, warned) =>
      [
        failed > 0 ? `${failed} ${failed === 1 ? "thing does" : "things do"} not work` : "",
        warned > 0 ? `${warned} to look at` : "",
      ]
        .filter(Boolean)
        .join(", "),
  },
  ko: {
    checks: {
      node: "Node",
      clock: "시계",
      files: "데이터 폴더",
      openFiles: "열 수 있는 파일",
      ports: "포트",
      server: "서버",
      certificate: "인증서",
      https: "HTTPS",
      stun: "STUN",
      turnUdp: "TURN (UDP)",
      turnTcp: "TURN (TCP)",
      turnTls: "TURN (TLS)",
    },
    findings: {
      NODE_OK: { text: (v) => `${v["version"]}` },
      NODE_TOO_OLD: {
        text: (v) => `${v["version"]}은(는) 너무 오래되었습니다. ${v["wanted"]}이(가) 필요합니다`,
        fix: () => "https://nodejs.org/ko/download",
      },
      CLOCK_OK: { text: (v) => `${v["time"]}` },
      CLOCK_BEHIND: {
        text: (v) => `${v["time"]}은(는) 인증서를 만든 ${v["made"]}보다 앞섭니다. 시계가 틀렸습니다`,
        fix: () => "timedatectl set-ntp true",
      },
      CLOCK_DIFFERS: {
        text: (v) => `서버의 시계와 이 컴퓨터의 시계가 ${v["seconds"]}초 다릅니다`,
        fix: () => "timedatectl set-ntp true   # 틀린 쪽에서",
      },
      FILES_OK: { text: (v) => `${v["path"]}은(는) 소유자만 볼 수 있습니다` },
      FILES_READABLE_BY_OTHERS: {
        text: (v) => `${v["path"]}의 ${v["names"]}을(를) 이 컴퓨터의 다른 사용자가 읽을 수 있습니다`,
        fix: (v) => `chmod -R go-rwx ${v["path"]}`,
      },
      FILES_MISSING: { text: (v) => `${v["path"]}이(가) 아직 없습니다. 처음 시작할 때 만듭니다` },
      OPEN_FILES_OK: { text: (v) => `연결 ${v["wanted"]}개에 충분합니다` },
      OPEN_FILES_FEW: {
        text: (v) => `${v["limit"]}개까지만 열 수 있는데 연결은 ${v["wanted"]}개까지 올 수 있습니다`,
        fix: () => "ulimit -n 65536   # 서비스에서는 LimitNOFILE=65536",
      },
      PORTS_SERVED: { text: (v) => `${v["port"]}에서 naru ${v["version"]}이(가) 실행 중입니다` },
      PORTS_STARTED: {
        text: (v) => `${v["port"]}의 TCP와 UDP가 비어 있어 이 점검을 위해 서버를 시작했습니다`,
      },
      PORT_HELD: {
        text: (v) => `${v["transport"]} ${v["port"]}을(를) ${v["holder"]}이(가) 쓰고 있습니다`,
        fix: (v) =>
          `naru --port ${v["other"]}   # 또는 그 프로그램을 끝내세요: ss -lntup 'sport = :${v["port"]}'`,
      },
      SERVER_FAILED: { text: (v) => `${v["problem"]}`, fix: (v) => `${v["remedy"]}` },
      SERVER_UNREACHABLE: {
        text: (v) => `${v["url"]}에 연결할 수 없습니다: ${v["problem"]}`,
        fix: (v) => `curl -v ${v["url"]}/healthz   # 이름, 서버 실행 여부, TCP 포트를 확인하세요`,
      },
      SERVER_NOT_NARU: {
        text: (v) => `${v["url"]}에서 답하는 것은 naru가 아닙니다`,
        fix: () => "naru doctor --url https://<호스트>:<포트>   # naru의 포트이거나 프록시 설정을 확인하세요",
      },
      CERTIFICATE_OK: { text: (v) => `신뢰됨, ${v["names"]}, ${v["until"]}까지 유효` },
      CERTIFICATE_OWN: {
        text: (v) =>
          `이 서버가 만든 인증서, ${v["names"]}, ${v["until"]}까지 유효. 브라우저가 한 번 경고합니다`,
      },
      CERTIFICATE_UNTRUSTED: {
        text: (v) => `여기서 아는 인증 기관이 보증하지 않습니다: ${v["problem"]}`,
        fix: () => "전체 체인(fullchain.pem)을 쓰거나 서버의 /ca.crt를 기기에 설치하세요",
      },
      CERTIFICATE_EXPIRED: {
        text: (v) => `${v["until"]}에 만료되었습니다`,
        fix: () => "certbot renew   # naru가 파일을 1분마다 확인하므로 다시 시작하지 않아도 됩니다",
      },
      CERTIFICATE_EXPIRES: {
        text: (v) => `${v["until"]}에 만료됩니다. ${v["days"]}일 남았습니다`,
        fix: () => "certbot renew   # naru가 파일을 1분마다 확인하므로 다시 시작하지 않아도 됩니다",
      },
      CERTIFICATE_NOT_YET_VALID: {
        text: (v) => `${v["from"]}부터 유효한데 아직 오지 않은 때입니다. 어느 한쪽의 시계가 틀렸습니다`,
        fix: () => "timedatectl set-ntp true",
      },
      CERTIFICATE_WRONG_NAME: {
        text: (v) => `${v["host"]}용이 아니라 ${v["names"]}용입니다`,
        fix: (v) => `${v["host"]} 이름이 든 인증서를 쓰거나 주소의 이름을 바꾸세요`,
      },
      HTTPS_OK: { text: (v) => `${v["address"]}에서 응답합니다` },
      HTTPS_FAILED: { text: (v) => `${v["address"]}의 TCP ${v["port"]}: ${v["problem"]}`, fix: openFirewall },
      NAME_UNKNOWN: {
        text: (v) => `이름 ${v["host"]}에 주소가 없습니다`,
        fix: (v) => `${v["host"]}의 A 또는 AAAA 레코드를 만드세요`,
      },
      PUBLIC_UNREACHABLE: {
        text: (v) => `여기서는 ${v["url"]}에 연결할 수 없습니다: ${v["problem"]}`,
        fix: () => "다른 네트워크에서 확인하세요. 자기 자신으로 돌아오지 못하는 공유기도 있습니다",
      },
      STUN_OK: { text: (v) => `${v["address"]}에서 응답합니다` },
      STUN_FAILED: { text: (v) => `${v["address"]}의 UDP ${v["port"]}: ${v["problem"]}`, fix: openFirewall },
      STUN_BLOCKED: {
        text: (v) =>
          `${v["address"]}의 TCP는 되는데 UDP ${v["port"]}은(는) 응답이 없습니다. 방화벽이 UDP를 막고 있습니다`,
        fix: openFirewall,
      },
      STUN_OFF: { text: () => "꺼져 있음 (stun.enabled)" },
      TURN_OK: {
        text: (v) => `${v["address"]}에서 중계합니다: 할당, 허가, 왕복 ${v["rttMs"]} ms, ${v["relayed"]}에서`,
      },
      TURN_FAILED: { text: (v) => `${v["address"]}, ${v["stage"]}: ${v["problem"]}`, fix: openFirewall },
      TURN_BLOCKED: {
        text: (v) =>
          `${v["address"]}의 UDP ${v["port"]}이(가) 막혀 있습니다. 통화는 TCP와 TLS로 중계되며 지연이 늘어납니다`,
        fix: openFirewall,
      },
      TURN_REFUSED: {
        text: (v) => `${v["address"]}이(가) 거절했습니다: ${v["problem"]}`,
        fix: () =>
          "실행 중인 서버와 같은 --config, --data-dir로 naru doctor를 실행하세요. 비밀 키가 다릅니다",
      },
      TURN_NO_ECHO: {
        text: (v) => `${v["address"]}이(가) ${v["relayed"]}을(를) 주었지만 그리로 보낸 것이 사라집니다`,
        fix: () =>
          "turn.denyPeers, turn.relayAddresses, turn.publicAddresses를 확인하세요: naru config print",
      },
      TURN_CERTIFICATE: {
        text: (v) => `${v["address"]}: 인증서가 거절되었습니다: ${v["problem"]}`,
        fix: (v) => `${v["host"]}용 인증서를 쓰세요. 여기서는 브라우저가 예외를 받지 않습니다`,
      },
      TURN_OFF: { text: () => "꺼져 있음 (turn.enabled)" },
      TURN_NO_CREDENTIALS: {
        text: (v) => `서버가 자격 증명을 주지 않았습니다: ${v["problem"]}`,
        fix: () => "서버가 있는 컴퓨터에서 그 설정으로 naru doctor를 실행하세요",
      },
    },
    allWell: "모두 정상입니다.",
    summary: (failed, warned) =>
      [failed > 0 ? `${failed}가지가 되지 않습니다` : "", warned > 0 ? `${warned}가지를 살펴보세요` : ""]
        .filter(Boolean)
        .join(", "),
  },
};

/** A finding as a sentence. */
export function findingText({ code, values }: Finding, language: Language): string {
  return DOCTOR_WORDS[language].findings[code].text(values);
}

/** What to do about it; undefined when there is nothing to do. */
export function findingFix({ code, values, status }: Finding, language: Language): string | undefined {
  return status === "ok" ? undefined : DOCTOR_WORDS[language].findings[code].fix?.(values);
}
