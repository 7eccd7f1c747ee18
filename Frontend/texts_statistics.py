"""Every sentence of the page of statistics, in English and Korean, in the manner of Frontend/texts.py."""

from dataclasses import dataclass

from Frontend.texts import Language


@dataclass(frozen=True)
class StatisticsTexts:
    """The sentences of one language."""

    title: str
    intro: str
    products: str
    searchable: str
    pictures: str
    looked_at: str
    to_do: str
    to_do_hint: str
    categories: str
    brands: str
    brands_shown: str
    prices: str
    prices_median: str
    prices_none: str
    price_from: str
    products_axis: str
    colours: str
    colours_hint: str
    colours_none: str
    rgb: str
    rgb_hint: str
    red: str
    green: str
    blue: str
    level: str
    share: str
    cheapest: str
    dearest: str
    compare: str
    compare_hint: str
    compare_id: str
    compare_placeholder: str
    compare_own: str
    compare_matches: str
    compare_unseen: str
    compare_unknown: str
    index: str
    index_kind: str
    index_vectors: str
    index_new: str
    index_dimension: str
    index_recall: str
    index_recall_none: str
    index_memory: str
    index_none: str


ENGLISH = StatisticsTexts(
    title="The catalogue at a glance",
    intro="What is on offer, what it costs, which colours it comes in, and how much of it can be found by its looks.",
    products="Products",
    searchable="Can be found",
    pictures="Pictures",
    looked_at="Looked at",
    to_do="To do",
    to_do_hint="Pictures still to be looked at, and those that cannot be used",
    categories="Categories",
    brands="Brands",
    brands_shown="The {shown} largest of {count}",
    prices="Prices",
    prices_median="Half of the products cost {price} or less.",
    prices_none="No product has a price.",
    price_from="Price from",
    products_axis="Products",
    colours="Colours",
    colours_hint="Share of the garments' pixels by the colour a shop would name, over {count} pictures",
    colours_none="No picture has been looked at yet.",
    rgb="Red, green, blue",
    rgb_hint="How bright the garments' pixels are in each channel, from 0 to 255",
    red="Red",
    green="Green",
    blue="Blue",
    level="Brightness",
    share="Share",
    cheapest="Lowest prices",
    dearest="Highest prices",
    compare="One product and its matches",
    compare_hint="Choose a product, and see whether what we call similar has its colours.",
    compare_id="Product",
    compare_placeholder="Product number",
    compare_own="{name}",
    compare_matches="Its {count} closest matches",
    compare_unseen="This product's picture has not been looked at yet.",
    compare_unknown="There is no product with this number.",
    index="Index",
    index_kind="Kind",
    index_vectors="Vectors",
    index_new="New since it was built",
    index_dimension="Dimensions",
    index_recall="Recall of the first ten",
    index_recall_none="not measured",
    index_memory="Memory",
    index_none="There is no index yet.",
)

KOREAN = StatisticsTexts(
    title="한눈에 보는 카탈로그",
    intro="어떤 상품이 있고 얼마인지, 어떤 색이 많은지, 사진으로 찾을 수 있는 상품은 얼마나 되는지 보여 드립니다.",
    products="상품",
    searchable="검색 가능",
    pictures="사진",
    looked_at="분석 완료",
    to_do="남은 사진",
    to_do_hint="아직 분석하지 않았거나 사용할 수 없는 사진",
    categories="종류",
    brands="브랜드",
    brands_shown="전체 {count}개 중 상위 {shown}개",
    prices="가격",
    prices_median="상품의 절반이 {price} 이하입니다.",
    prices_none="가격이 있는 상품이 없습니다.",
    price_from="가격 (이상)",
    products_axis="상품 수",
    colours="색상",
    colours_hint="사진 {count}장에서 옷이 차지하는 색의 비율",
    colours_none="아직 분석한 사진이 없습니다.",
    rgb="빨강, 초록, 파랑",
    rgb_hint="옷 부분 픽셀의 채널별 밝기 분포 (0~255)",
    red="빨강",
    green="초록",
    blue="파랑",
    level="밝기",
    share="비율",
    cheapest="낮은 가격순",
    dearest="높은 가격순",
    compare="상품과 비슷한 상품의 색 비교",
    compare_hint="상품을 고르면 비슷하다고 찾은 상품들의 색이 실제로 닮았는지 볼 수 있습니다.",
    compare_id="상품 선택",
    compare_placeholder="상품 번호",
    compare_own="선택한 상품: {name}",
    compare_matches="가장 비슷한 상품 {count}개",
    compare_unseen="이 상품의 사진은 아직 분석하지 않았습니다.",
    compare_unknown="이 번호의 상품이 없습니다.",
    index="색인",
    index_kind="종류 (색인)",
    index_vectors="벡터 수",
    index_new="생성 후 추가",
    index_dimension="차원",
    index_recall="상위 10개 재현율",
    index_recall_none="측정 안 됨",
    index_memory="메모리",
    index_none="아직 색인이 없습니다.",
)

STATISTICS_TEXTS: dict[Language, StatisticsTexts] = {"en": ENGLISH, "ko": KOREAN}

COLOURS_KOREAN: dict[str, str] = {
    "black": "검정",
    "grey": "회색",
    "white": "흰색",
    "cream": "크림",
    "beige": "베이지",
    "khaki": "카키",
    "tan": "황갈색",
    "brown": "갈색",
    "navy": "남색",
    "blue": "파랑",
    "turquoise": "터키석색",
    "teal": "청록",
    "green": "초록",
    "olive": "올리브",
    "yellow": "노랑",
    "mustard": "머스터드",
    "orange": "주황",
    "peach": "복숭아색",
    "red": "빨강",
    "burgundy": "버건디",
    "pink": "분홍",
    "magenta": "자홍",
    "purple": "보라",
    "lavender": "라벤더",
}
"""The service's colour words; one that is not here is shown as it is."""


def colour_name(name: str, language: Language) -> str:
    """Return a colour's word for people."""
    return COLOURS_KOREAN.get(name, name) if language == "ko" else name
