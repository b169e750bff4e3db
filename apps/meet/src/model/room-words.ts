/**
 * Words of room names: short, friendly, easy to hear apart. At least 128 in each list, so that two words and
 * four digits are worth 27 bits.
 */

export const ENGLISH_FIRST: readonly string[] = words(`
  amber ample apt azure balmy bold brave breezy bright brisk broad calm candid cheery civil clear
  clever cosy crisp curious daring dear deft dewy eager early easy even fabled fair fleet fond
  frank free fresh gentle glad golden good grand green hale handy happy hardy hazel hearty honest
  humble ideal jolly jovial just keen kind large light lively lofty loyal lucid lucky lunar lush
  mellow merry mild mint misty modest mossy neat nimble noble novel open opal patient peaceful
  pearly placid plain playful plucky polite prime proud pure quick quiet rapid rare ready regal
  robust rosy royal ruby rustic sage sandy serene sharp shiny silent silver simple sleek smart
  smooth snowy snug sober soft solar solid sonic spry stable starry steady still stoic sunny super
  sure swift tall tame tidy tranquil true
`);

export const ENGLISH_SECOND: readonly string[] = words(`
  acorn alder anchor aspen aster badger bamboo basil bay beacon bear beaver birch bison bloom
  breeze bridge brook canoe canyon cedar cherry cliff cloud clover comet coral cove crane creek
  cricket crow dawn deer delta dolphin dove duck dune eagle ember falcon fern ferry field finch
  fjord forest fox garden gecko glacier glade goose grove gull harbor hare harp hawk hazel heron
  hill ibis inlet iris island ivy jasmine jay kayak kite koala lagoon lake lantern lark laurel
  leaf lemon lily linden lotus lynx magpie maple marsh meadow mole moon moose moss oak oasis ocean
  olive orbit orchid otter owl panda pebble pine plum pond poppy quail rabbit raft raven reed reef
  ridge river robin rose salmon seal shore sparrow spruce star stone stork swan tern thistle tiger
  trail tulip turtle valley walnut wave whale willow wren
`);

export const KOREAN_FIRST: readonly string[] = words(`
  가벼운 고마운 고소한 고요한 고운 귀여운 귀한 기쁜 기특한 깊은
  깨끗한 꼼꼼한 나긋한 나른한 너른 넉넉한 넓은 느긋한 늠름한 다정한
  단단한 단정한 달콤한 당당한 도톰한 동그란 든든한 따뜻한 따사한
  똑똑한 또렷한 뚜렷한 말간 맑은 멋진 명랑한 명쾌한 몽글한 무던한
  반가운 반듯한 반짝인 밝은 보드란 복된 부드런 빛나는 빠른 산뜻한
  살가운 상냥한 상쾌한 새로운 새콤한 생생한 선선한 선한 성실한 소담한
  소박한 소중한 수줍은 순한 슬기론 시원한 신기한 신나는 신선한 싱그런
  싱싱한 씩씩한 아늑한 아담한 아련한 알뜰한 야무진 어린 어진 여린
  연한 영롱한 영특한 온화한 올곧은 옹골찬 용감한 우아한 유쾌한 윤나는
  은은한 의젓한 자상한 작은 잔잔한 재밌는 정다운 정겨운 조용한 좋은
  즐거운 지혜론 진실한 짙은 차분한 착한 참한 참신한 찬란한 청량한
  촉촉한 총명한 친근한 친절한 쾌활한 큰 탄탄한 탐스런 통통한 튼튼한
  편안한 평온한 포근한 푸른 풋풋한 한가한 향긋한 화사한 환한 활기찬
  훈훈한 흐뭇한 힘찬
`);

export const KOREAN_SECOND: readonly string[] = words(`
  가람 갈매기 감나무 강물 개나리 고래 고양이 곰 공원 구름 국화 금강
  기러기 기린 길 까치 꽃잎 꿀벌 나루 나무 나비 나침반 난초 노을 녹차
  느티 다람쥐 단풍 달 달빛 담비 대나무 도토리 도라지 독수리 돌고래
  돌담 동백 두루미 둥지 등대 등불 딸기 라일락 들꽃 마당 마루 마을 매화
  머루 메아리 모래 목련 무지개 물결 물길 물새 미나리 민들레 밀밭 바다
  바람 바위 반디 밤하늘 배꽃 백로 버들 벚꽃 별 별빛 보리 봄비 봉우리
  부엉이 비둘기 사슴 산길 산새 살구 삽살개 새벽 샘물 서리 석류 섬
  소나무 소라 솔방울 솔숲 수달 수련 숲 아침 앵두 언덕 여울 여우 연꽃
  연못 오두막 오솔길 옹달샘 우물 유채 은하 은행 이슬 잎새 자두 자작
  잔디 장미 제비 조약돌 진달래 차밭 참새 철쭉 초원 토끼 파도 팽나무
  포구 하늘 하루 햇살 호랑이 호수 호박 황새
`);

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
