import { randomInt } from "node:crypto";
import type { Language } from "../http/languages.ts";

interface Words {
  readonly qualities: readonly string[];
  readonly things: readonly string[];
}

const WORDS: Readonly<Record<Language, Words>> = {
  en: {
    qualities:
      `able agile amber ample autumn azure balmy bold brave breezy bright brisk bronze calm candid cheery
      chief civil clear clever cloudy cobalt copper coral cosmic cozy crimson crisp curious daring dawn deep
      dewy eager early earnest easy epic even evening fair famous fancy fast fearless fern fine firm fluent
      fond frank free fresh friendly frosty gentle giant gifted glad gleaming global golden graceful grand
      grateful great green happy hardy hazel helpful honest humble icy ideal ivory jade jolly joyful keen kind
      lively loyal lucid lucky lunar magic maple mellow merry mighty mild mindful misty modest morning mossy
      neat nimble noble northern olive open opal orange patient pearl plucky polite proud quick quiet radiant
      rapid rare ready royal rustic sage scarlet serene sharp shining silent silver simple sincere smart snowy
      solar solid southern spry stable starry steady still summer sunny swift tender tidy tranquil true velvet
      violet vivid warm watchful western wild willow winter wise witty young zesty`.split(/\s+/),
    things:
      `acorn alder anchor apple arbor arch aspen aurora badger bamboo basin bay beacon bear beaver beetle
      birch bison blossom boat breeze bridge brook canyon cedar cherry cliff clover cloud comet condor cove
      crane creek cricket crow daisy deer delta dolphin dove dragon dune eagle ember falcon fern field finch
      fir fjord flame forest fox frog galaxy garden geyser glacier goose grove gull harbor hare hawk hazel
      heron hill holly ibis iris island ivy jay juniper kayak kestrel kite koala lagoon lake lantern larch lark
      laurel leaf lemur lily lion lotus lynx magpie maple marten meadow meteor mole moon moose moss mountain
      newt oak oasis ocean orca orchid oriole osprey otter owl panda parrot peach pearl pebble penguin pine
      plover pond poppy prairie quail rabbit rain raven reef ridge river robin rose sail salmon seal sequoia
      shore sparrow spring spruce squid star stone stork stream summit sun swallow swan thicket thistle tide
      tiger trail trout tulip tundra turtle valley violet walnut walrus wave whale willow wind wolf wren
      yew zebra`.split(/\s+/),
  },
  ko: {
    qualities:
      `가벼운 강한 고른 고마운 고요한 고운 굳센 귀여운 귀한 그윽한 기쁜 기특한 깊은 깔끔한 깨끗한 꾸준한 날렵한 너그러운
      넉넉한 넓은 놀라운 높은 느긋한 늠름한 다정한 단단한 달콤한 담백한 당당한 당찬 도도한 든든한 따뜻한 따스한 또렷한 똑똑한 뛰어난
      든직한 말끔한 맑은 멋진 명랑한 묵직한 미더운 믿음직한 바른 반가운 반짝이는 밝은 벅찬 보드라운 부드러운 부지런한 빛나는 빠른
      산뜻한 상냥한 상쾌한 새로운 새하얀 생생한 선명한 선한 성실한 소박한 소중한 순한 슬기로운 시원한 신나는 신비한 싱그러운 싱싱한
      씩씩한 아늑한 아담한 아름다운 알뜰한 알찬 야무진 어진 영롱한 영리한 예쁜 온화한 올곧은 용감한 우아한 우직한 유쾌한 은은한 의젓한
      익살스러운 자상한 잔잔한 재빠른 정겨운 정다운 정직한 조용한 즐거운 지혜로운 진솔한 진한 짙은 차분한 착한 찬란한 참된 청량한 촉촉한
      친절한 침착한 쾌활한 큰 탐스러운 튼튼한 특별한 편안한 평온한 포근한 푸근한 푸른 풋풋한 하얀 한가로운 한결같은 해맑은 향긋한 향기로운
      현명한 호젓한 화사한 화창한 환한 활기찬 훈훈한 흐뭇한 힘찬`.split(/\s+/),
    things:
      `가람 가을 갈대 갈매기 감나무 강물 강아지 개나리 거북이 거위 겨울 고니 고래 고양이 고슴도치 곰 공작 교실 구름 국화
      귤 그네 그늘 기러기 기린 까치 꽃길 꽃잎 꾀꼬리 꿀벌 나루 나무 나비 낙타 너구리 노을 노루 눈꽃 느티나무 다람쥐 다리 단풍 달 달빛 담쟁이
      대나무 도라지 도토리 독수리 돌고래 동백 두루미 두더지 둥지 등대 들국화 들길 들꽃 등불 딱따구리 딸기 라일락 라임 마루 망아지 매화
      머루 모래 목련 무지개 물결 물개 물방울 미루나무 민들레 바다 바람 바위 박새 반달 반딧불 밤나무 배꽃 백조 버들 벚꽃 별 별빛 병아리 보리
      복숭아 봄 봄비 봉숭아 부엉이 북극성 불꽃 비둘기 뻐꾸기 사과 사슴 산들 산마루 산새 살구 새벽 샘물 소나기 소나무 솔방울 솔잎 수달 수련
      수선화 순록 숲 시내 썰매 아침 안개 앵두 언덕 여름 여우 연꽃 연못 열매 오리 오솔길 오아시스 올빼미 은하수 은행나무 이슬 이끼 잉어 자두
      자작나무 잔디 장미 저녁 정원 제비 조약돌 종달새 진달래 참새 채송화 철쭉 청설모 초승달 치자 코끼리 코스모스 크낙새 토끼 튤립 파도 파랑새
      판다 팽이 펭귄 폭포 풀잎 하늘 하마 해 해님 해달 해바라기 햇살 향나무 호랑이 호수 홍시 황새`.split(
        /\s+/,
      ),
  },
};

const SMALLEST_NUMBER = 1_000;
const LARGEST_NUMBER = 9_999;

/**
 * A name for a room, easy to say and hard to guess: two words and four digits, some 200 million names. Whoever
 * knows the name may come in, and the server lets nobody try more than a few per second.
 */
export function randomRoomName(language: Language): string {
  const { qualities, things } = WORDS[language];
  const number = randomInt(SMALLEST_NUMBER, LARGEST_NUMBER + 1);
  return `${pick(qualities)}-${pick(things)}-${number}`;
}

/** How many different names there are. */
export function roomNameCount(language: Language): number {
  const { qualities, things } = WORDS[language];
  return new Set(qualities).size * new Set(things).size * (LARGEST_NUMBER - SMALLEST_NUMBER + 1);
}

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)] ?? "room";
}
