"""Every sentence of the page, in English and Korean: one frozen object per language, so a missing one is a type error.

Sentences with braces are filled with `str.format`; a test holds both languages to the same names.
"""

from dataclasses import dataclass
from typing import Literal, get_args

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
LANGUAGE_NAMES: dict[Language, str] = {"en": "English", "ko": "한국어"}


@dataclass(frozen=True)
class Texts:
    """The sentences of one language, and its names for the default classifier's categories (by slug)."""

    tagline: str
    to_catalogue: str
    language: str
    hero_title: str
    hero_text: str
    source: str
    source_upload: str
    source_camera: str
    upload: str
    upload_button: str
    upload_drop: str
    upload_help: str
    camera: str
    camera_button: str
    samples_title: str
    crop_hint: str
    crop_reset: str
    crop_not_found: str
    crop_outside: str
    new_photo: str
    seeing: str
    category_sure: str
    category_not_sure: str
    no_garment: str
    results_title: str
    results_count: str
    results_none: str
    results_none_hint: str
    results_empty: str
    results_empty_hint: str
    results_far: str
    filters: str
    filters_set: str
    filter_category: str
    filter_gender: str
    gender_men: str
    gender_women: str
    filter_min_price: str
    filter_max_price: str
    filter_in_stock: str
    filters_clear: str
    sort: str
    sort_similarity: str
    sort_price_up: str
    sort_price_down: str
    show_more: str
    opens_new_tab: str
    similarity: str
    sold_out: str
    no_picture: str
    price_before: str
    price_now: str
    retry: str
    error_down: str
    error_busy: str
    error_unexpected: str
    error_refused: str
    error_picture: str
    error_not_a_picture: str
    error_too_large: str
    error_cut_off: str
    error_filters: str
    categories: dict[str, str]


ENGLISH = Texts(
    tagline="Find it by how it looks",
    to_catalogue="The catalogue",
    language="Language",
    hero_title="Find it by how it looks.",
    hero_text="Show us a photo of something you would wear. We look at cut, colour and pattern, and find its like.",
    source="Where the photo comes from",
    source_upload="Upload a photo",
    source_camera="Use the camera",
    upload="Your photo",
    upload_button="Choose a photo",
    upload_drop="or drop it here",
    upload_help="JPEG, PNG, WebP or HEIC, up to {megabytes:g} MB. Your photo is used for this search and not kept.",
    camera="Take a photo of one garment",
    camera_button="Take the photo",
    samples_title="Or start with one of these",
    crop_hint="Tap the frame, then drag it or its corners around one garment.",
    crop_reset="Reset frame",
    crop_not_found="We could not make out a garment. Drag the frame over what you are looking for.",
    crop_outside="The frame is too small or outside the photo. Make it larger, or reset it.",
    new_photo="New photo",
    seeing="Looking for similar pieces",
    category_sure="{name} · {percent} sure",
    category_not_sure="Not sure what this is",
    no_garment="No garment stood out inside the frame, so everything in it was compared.",
    results_title="Similar pieces",
    results_count="{count} shown",
    results_none="Nothing matches these filters.",
    results_none_hint="Take one away, or move the frame over another garment.",
    results_empty="There is nothing to search in yet.",
    results_empty_hint="The catalogue is empty, or its pictures are still being looked at.",
    results_far="Nothing here is very much like it. These come closest.",
    filters="Filters",
    filters_set="Filters · {count}",
    filter_category="Category",
    filter_gender="For",
    gender_men="Men",
    gender_women="Women",
    filter_min_price="Price from",
    filter_max_price="Price to",
    filter_in_stock="In stock only",
    filters_clear="Clear all",
    sort="Sort",
    sort_similarity="Most similar",
    sort_price_up="Price: low to high",
    sort_price_down="Price: high to low",
    show_more="Show more",
    opens_new_tab="opens in a new tab",
    similarity="{percent} similar",
    sold_out="Sold out",
    no_picture="No picture",
    price_before="before",
    price_now="now",
    retry="Try again",
    error_down="The search service does not answer right now. Nothing is lost; try again in a moment.",
    error_busy="Many people are searching right now. Try again in {seconds} seconds.",
    error_unexpected="The search service gave an answer that this page does not understand. Try again.",
    error_refused="The search service could not use this request: {detail}",
    error_picture="This photo cannot be used. Try another one.",
    error_not_a_picture="This file is not a picture we can open. Use a JPEG, PNG, WebP or HEIC.",
    error_too_large="This photo is too large. Use one of at most {megabytes:g} MB and {megapixels:g} megapixels.",
    error_cut_off="This photo is incomplete: part of the file is missing. Try saving or sending it again.",
    error_filters="The lowest price is above the highest. Change one of them.",
    categories={
        "t-shirt": "T-shirt",
        "polo": "Polo shirt",
        "shirt": "Shirt",
        "longsleeve": "Long-sleeved top",
        "hoodie": "Hoodie",
        "outerwear": "Jacket or coat",
        "pants": "Trousers",
        "shorts": "Shorts",
        "skirt": "Skirt",
        "dress": "Dress",
        "shoes": "Shoes",
        "hat": "Hat",
        "bag": "Bag",
    },
)

KOREAN = Texts(
    tagline="사진으로 찾는 비슷한 옷",
    to_catalogue="카탈로그",
    language="언어",
    hero_title="사진 한 장으로, 닮은 옷을.",
    hero_text="마음에 드는 옷 사진을 보여 주세요. 실루엣과 색, 무늬를 살펴 가장 비슷한 상품을 찾아 드립니다.",
    source="사진을 가져올 곳",
    source_upload="사진 올리기",
    source_camera="카메라로 찍기",
    upload="내 사진",
    upload_button="사진 고르기",
    upload_drop="또는 여기로 끌어다 놓기",
    upload_help="JPEG, PNG, WebP, HEIC · 최대 {megabytes:g} MB. 사진은 이번 검색에만 쓰이고 저장되지 않습니다.",
    camera="옷 한 벌이 잘 보이게 찍어 주세요",
    camera_button="사진 찍기",
    samples_title="또는 아래 상품으로 시작해 보세요",
    crop_hint="틀을 누른 뒤 모서리를 끌어 옷 한 벌에 맞춰 주세요.",
    crop_reset="틀 초기화",
    crop_not_found="옷을 찾지 못했습니다. 찾으려는 옷 위로 틀을 옮겨 주세요.",
    crop_outside="틀이 너무 작거나 사진 밖에 있습니다. 틀을 키우거나 초기화해 주세요.",
    new_photo="다른 사진",
    seeing="비슷한 상품을 찾고 있습니다",
    category_sure="{name} · 확률 {percent}",
    category_not_sure="어떤 종류인지 확실하지 않습니다",
    no_garment="틀 안에서 옷을 뚜렷하게 찾지 못해 틀 전체를 비교했습니다.",
    results_title="비슷한 상품",
    results_count="{count}개 표시",
    results_none="조건에 맞는 상품이 없습니다.",
    results_none_hint="조건을 줄이거나 다른 옷 위로 틀을 옮겨 보세요.",
    results_empty="아직 찾아볼 상품이 없습니다.",
    results_empty_hint="카탈로그가 비어 있거나 상품 사진을 아직 살펴보는 중입니다.",
    results_far="아주 비슷한 상품은 없습니다. 그나마 가장 가까운 상품들입니다.",
    filters="필터",
    filters_set="필터 · {count}",
    filter_category="종류",
    filter_gender="성별",
    gender_men="남성",
    gender_women="여성",
    filter_min_price="최저 가격",
    filter_max_price="최고 가격",
    filter_in_stock="재고 있는 상품만",
    filters_clear="모두 지우기",
    sort="정렬",
    sort_similarity="비슷한 순",
    sort_price_up="낮은 가격순",
    sort_price_down="높은 가격순",
    show_more="더 보기",
    opens_new_tab="새 탭에서 열림",
    similarity="유사도 {percent}",
    sold_out="품절",
    no_picture="사진 없음",
    price_before="정가",
    price_now="판매가",
    retry="다시 시도",
    error_down="지금은 검색 서비스가 응답하지 않습니다. 고르신 내용은 그대로 있으니 잠시 후 다시 시도해 주세요.",
    error_busy="지금 검색하는 사람이 많습니다. {seconds}초 뒤에 다시 시도해 주세요.",
    error_unexpected="검색 서비스의 응답을 이해하지 못했습니다. 다시 시도해 주세요.",
    error_refused="검색 서비스가 요청을 처리하지 못했습니다: {detail}",
    error_picture="이 사진은 사용할 수 없습니다. 다른 사진으로 시도해 주세요.",
    error_not_a_picture="열 수 있는 사진 파일이 아닙니다. JPEG, PNG, WebP, HEIC 파일을 사용해 주세요.",
    error_too_large="사진이 너무 큽니다. {megabytes:g} MB, {megapixels:g}메가픽셀 이하의 사진을 사용해 주세요.",
    error_cut_off="사진 파일의 일부가 빠져 있습니다. 다시 저장하거나 다시 보내 주세요.",
    error_filters="최저 가격이 최고 가격보다 높습니다. 둘 중 하나를 바꿔 주세요.",
    categories={
        "t-shirt": "티셔츠",
        "polo": "폴로 셔츠",
        "shirt": "셔츠",
        "longsleeve": "긴소매 티",
        "hoodie": "후드티",
        "outerwear": "아우터",
        "pants": "바지",
        "shorts": "반바지",
        "skirt": "스커트",
        "dress": "원피스",
        "shoes": "신발",
        "hat": "모자",
        "bag": "가방",
    },
)

TEXTS: dict[Language, Texts] = {"en": ENGLISH, "ko": KOREAN}


def choose_language(
    setting: Language | Literal["auto"], browser_locale: str | None, asked: str | None = None
) -> Language:
    """Return the language a visitor starts in.

    Args:
        setting: The deployment's choice; `auto` leaves it to the browser.
        browser_locale: Such as `ko-KR`.
        asked: The page's address may name one, which comes first.
    """
    for language in LANGUAGES:
        if language == asked:
            return language
    if setting != "auto":
        return setting
    return "ko" if (browser_locale or "").lower().startswith("ko") else "en"
