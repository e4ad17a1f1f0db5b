"""The page as a visitor meets it, in Chromium; skipped where that is not installed."""

import io

import numpy as np
import pytest
from chromium import SECONDS, in_chromium, opening, running, until
from conftest import draw, draw_folder
from PIL import Image
from web_client import serving

axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = in_chromium
PASTE = """(content) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], "shared.png", {type: "image/png"}));
  document.dispatchEvent(KIND === "paste"
    ? new ClipboardEvent("paste", {clipboardData: data})
    : new DragEvent("drop", {dataTransfer: data}));
}"""


@pytest.fixture(scope="module")
def url(checkpoint, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("page"), "--checkpoint", checkpoint) as (_, client):
        yield client.url


@pytest.fixture(scope="module")
def browser():
    with running() as started:
        yield started


@pytest.fixture
def open_page(browser, url):
    with opening(browser, url) as open_:
        yield open_


@pytest.fixture
def folder(tmp_path):
    folder = draw_folder(tmp_path / "pictures", 2)
    (folder / "bad.png").write_text("no picture")
    Image.fromarray(np.uint16(draw("saturn", 1).mean(axis=2) * 257)).save(folder / "deep.tif")
    return folder


def answered(page, count):
    """Wait until so many pictures of the visit have their answers."""
    until(page, "[...document.querySelectorAll('#rows tr')].filter("
          f"(row) => row.cells.length === 3).length === {count}")


def test_choose_slide_remove_and_download(open_page, folder, tmp_path):
    page = open_page()
    page.set_input_files("#files", [
        folder / "mars/mars 0.png", folder / "deep.tif", folder / "bad.png"])
    answered(page, 3)
    thumbs, card = page.locator("#gallery button"), page.locator("#shown article")
    assert [thumbs.nth(n).locator(".file").inner_text() for n in range(3)] == [
        "mars 0.png", "deep.tif", "bad.png"]
    until(page, "[...document.querySelectorAll('#gallery img')].filter("
          "(img) => img.naturalWidth > 0).length === 2")  # the TIFF as well
    assert thumbs.nth(0).get_attribute("aria-current") == "true"
    heat = card.locator(".stack img").nth(1)
    heat.evaluate("(img) => img.decode()")  # raises where it is no picture
    assert heat.evaluate("(img) => img.style.opacity") == "0"
    card.get_by_role("slider").fill("70")
    assert heat.evaluate("(img) => img.style.opacity") == "0.7"
    card.locator("summary").click()
    assert card.locator(".bars progress").count() == 3
    thumbs.nth(2).click()
    assert "Cannot be read" in card.inner_text() and "not a picture" in card.inner_text()
    page.get_by_role("button", name="Remove: bad.png").click()
    assert thumbs.count() == 2 and "deep.tif" in card.inner_text()
    assert page.evaluate("document.activeElement.textContent").endswith("deep.tif")
    page.set_input_files("#files", [folder / "bad.png"])
    answered(page, 3)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    download.value.save_as(tmp_path / "results.csv")
    rows = (tmp_path / "results.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(rows) == 4 and rows[0].startswith('"filename","status"')
    assert rows[3].startswith('"bad.png","failed"')


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_paste_and_drop(open_page, kind):
    import base64

    file = io.BytesIO()
    Image.fromarray(draw("neptune", 2)).save(file, format="PNG")
    page = open_page()
    page.evaluate(PASTE.replace("KIND", f'"{kind}"'), base64.b64encode(file.getvalue()).decode())
    answered(page, 1)
    assert "shared.png" in page.locator("#shown").inner_text()


def test_the_language_is_the_browsers_and_can_be_switched(open_page, folder):
    page = open_page(locale="ko-KR")
    assert page.locator("h1").inner_text() == "이 사진에는 무엇이 있을까요?"
    page.get_by_role("link", name="English").click()
    page.set_input_files("#files", [folder / "mars/mars 0.png"])
    answered(page, 1)
    page.get_by_role("link", name="中文").click()
    assert page.locator("h1").inner_text() == "这张图片里是什么？"
    assert page.get_by_role("link", name="中文").get_attribute("aria-current") == "true"
    names = page.locator("#shown .bars").text_content()
    assert "火星" in names and "海王星" in names and "土星" in names
    assert "火星" in page.locator(".knows").inner_text()


def test_by_keyboard_alone(open_page, folder):
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.sample") is not None:
            break
    else:
        raise AssertionError("the samples cannot be reached")
    page.keyboard.press("Enter")
    answered(page, 1)
    status = page.get_by_role("status").inner_text()
    assert "mars.jpg: " in status and "Working" not in status
    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    assert page.locator(".stack img").nth(1).evaluate("(img) => img.style.opacity") == "1"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_small_phone(open_page, folder, scheme):
    page = open_page(viewport={"width": 360, "height": 640}, color_scheme=scheme)
    page.set_input_files("#files", [folder / "mars/mars 0.png", folder / "bad.png"])
    answered(page, 2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == {
        "light": "rgb(245, 246, 250)", "dark": "rgb(11, 15, 24)"}[scheme]


def test_without_javascript(open_page, folder):
    page = open_page(java_script_enabled=False)
    page.set_input_files("#files", [folder / "mars/mars 0.png", folder / "bad.png"])
    with page.expect_navigation():
        page.get_by_role("button", name="Predict").click()
    assert page.locator("article").count() == 2
    assert "Cannot be read" in page.locator("article").nth(1).inner_text()
    assert page.locator("article").nth(0).locator("img").count() == 2
    with page.expect_navigation():
        page.get_by_role("link", name="Back to the page").click()
    assert page.locator("#form").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/documentation"])
def test_axe_finds_nothing(open_page, folder, path, scheme):
    page = open_page(path, color_scheme=scheme)
    found = [axe.Axe().run(page)]
    if path == "/":
        page.set_input_files("#files", [folder / "mars/mars 0.png", folder / "bad.png"])
        answered(page, 2)
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        found.append(axe.Axe().run(page))
        page.locator("#gallery button").nth(1).click()
        found.append(axe.Axe().run(page))
    for one in found:
        assert one.violations_count == 0, one.generate_report()


def test_the_first_page_is_light(open_page):
    """All that it loads, with its drawn samples."""
    page = open_page()
    until(page, "document.readyState === 'complete'")
    found = page.evaluate("performance.getEntriesByType('resource').concat("
                          "performance.getEntriesByType('navigation')).map((one) => ["
                          "new URL(one.name).pathname, one.transferSize])")
    assert {"/", "/static/style.css", "/static/page.js",
            "/static/samples/mars.jpg"} <= {path for path, _ in found}
    assert all(size > 0 for _, size in found) and sum(size for _, size in found) < 100_000


def test_what_is_too_large_is_not_sent(open_page, folder, tmp_path):
    """The server takes 40 MiB."""
    page = open_page(locale="zh-CN")
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST"
            else None)
    large = tmp_path / "large.tif"
    with large.open("wb") as file:
        file.truncate(41 << 20)
    page.set_input_files("#files", [large, folder / "mars/mars 0.png"])
    answered(page, 2)
    assert "大小为 41 MiB，最多可发送 40 MiB" in page.locator("#shown").inner_text()
    assert page.locator("#gallery .failed").count() == 1 and len(sent) == 1


def test_under_a_path(browser, checkpoint, folder, tmp_path):
    """As behind a proxy that leaves the path in its requests."""
    with serving(tmp_path, "--checkpoint", checkpoint, "--prefix", "/sky") as (_, client):
        page = browser.new_page(locale="en-GB")
        page.set_default_timeout(1000 * SECONDS)
        answers = []
        page.on("response", lambda response: answers.append((response.url, response.status)))
        page.goto(f"{client.url}/sky")
        page.get_by_role("link", name="한국어").click()
        page.get_by_role("link", name="English").click()
        page.set_input_files("#files", [folder / "mars/mars 0.png", folder / "deep.tif"])
        answered(page, 2)
        page.get_by_role("link", name="celestial").click()
        page.locator("#documentation").click()
        page.wait_for_url("**/sky/documentation?lang=en")
        page.close()
    web = [(url, status) for url, status in answers if url.startswith("http")]
    assert all(url.startswith(f"{client.url}/sky") and status < 400 for url, status in web), web
    assert len([url for url, _ in web if url.endswith("/sky/api/predict")]) == 2


def test_correcting_an_answer(browser, checkpoint, folder, tmp_path):
    """Called right, of another class, and of a new one: three files and three rows."""
    kept = tmp_path / "kept"
    with serving(tmp_path, "--checkpoint", checkpoint, "--collect", kept) as (_, client):
        page = browser.new_page(locale="en-GB")
        page.set_default_timeout(1000 * SECONDS)
        page.goto(client.url)
        page.locator("[data-sample]").first.click()
        answered(page, 1)
        page.get_by_role("button", name="Right").click()
        page.get_by_text("Stored as").wait_for()
        page.set_input_files("#files", [folder / "mars/mars 0.png", folder / "deep.tif"])
        answered(page, 3)
        correcting = page.locator(".correcting")
        other = correcting.locator("option").nth(1).get_attribute("value")
        correcting.locator("select").select_option(other)
        found = axe.Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        page.get_by_role("button", name="Send").click()
        page.get_by_text(f"Stored as {other}").wait_for()
        page.locator("#gallery button").nth(2).click()
        correcting.locator("select").select_option(label="a new class")
        page.get_by_label("Name of the new class").fill("train")
        page.get_by_role("button", name="Send").click()
        page.get_by_text("cannot be the name of a class").wait_for()
        correcting.locator("select").select_option(label="a new class")
        page.get_by_label("Name of the new class").fill("Ceres")
        page.keyboard.press("Enter")
        page.get_by_text("Stored as Ceres").wait_for()
        assert "stored unchanged" in correcting.inner_text()
        page.locator("#gallery button").nth(1).click()
        assert f"Stored as {other}" in correcting.inner_text()
        page.close()
    names = [path.relative_to(kept).as_posix() for path in kept.glob("*/*")]
    assert f"{other}/mars 0.png" in names and "Ceres/deep.tif" in names and len(names) == 3
    table = (kept / "corrections.csv").read_text(encoding="utf-8-sig")
    assert len(table.splitlines()) == 4 and "Ceres" in table
