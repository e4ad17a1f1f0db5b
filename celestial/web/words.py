"""Every text of the page in each language."""

from flask import Request

LANGUAGES = {"en": "English", "zh": "中文", "ko": "한국어"}
_TEXTS = {
    "title": ("What is in this picture?", "这张图片里是什么？", "이 사진에는 무엇이 있을까요?"),
    "intro": (
        "Drop photographs of planets, galaxies, nebulae or star clusters here. You get what each "
        "one shows, how sure that is, and the place in the picture that decided.",
        "把行星、星系、星云或星团的照片拖到这里，即可得知每张照片的内容、可信程度，以及图片中起决定作用的区域。",
        "행성, 은하, 성운, 성단 사진을 여기에 끌어다 놓으세요. 무엇이 찍혔는지, 얼마나 확실한지, "
        "사진의 어느 곳을 보고 판단했는지 알려 줍니다."),
    "drop": ("Drop pictures here or paste them", "将图片拖到这里或粘贴",
             "사진을 끌어다 놓거나 붙여넣기"),
    "choose": ("Choose pictures", "选择图片", "사진 고르기"),
    "camera": ("Take a photograph", "拍照", "사진 찍기"),
    "predict": ("Predict", "识别", "판별하기"),
    "working": ("Working", "正在识别", "판별 중"),
    "of": ("of", "/", "/"),
    "model": ("Model", "模型", "모델"),
    "language": ("Language", "语言", "언어"),
    "samples": ("No picture at hand? Try one of these, all drawn:",
                "手边没有图片？试试这些绘制的图片：", "사진이 없나요? 그린 그림으로 해 보세요:"),
    "results": ("Results", "结果", "결과"),
    "none": ("none of my classes", "不属于任何已知类别", "아는 클래스가 아님"),
    "nearest": ("nearest", "最接近", "가장 가까운 것"),
    "sure": ("sure", "可信度", "확신도"),
    "seen": ("What the network saw", "网络所见", "신경망이 본 모습"),
    "why": ("Why: what spoke for it", "依据：支持该判断的区域", "근거: 판단하게 한 곳"),
    "heat": ("Show the reason", "显示依据", "근거 표시"),
    "table": ("All results of this visit", "本次访问的全部结果", "이번 방문의 모든 결과"),
    "download": ("Download as CSV", "下载 CSV", "CSV로 내려받기"),
    "file": ("File", "文件", "파일"),
    "answer": ("Answer", "结果", "답"),
    "confidence": ("Confidence", "可信度", "확신도"),
    "failed": ("cannot be read", "无法读取", "읽을 수 없음"),
    "remove": ("Remove", "移除", "빼기"),
    "waiting": ("waiting", "等待中", "대기 중"),
    "busy": ("Many pictures are waiting. Trying again.", "等待的图片较多，正在重试。",
             "대기 중인 사진이 많습니다. 다시 시도합니다."),
    "offline": ("The server does not answer", "服务器没有响应", "서버가 응답하지 않습니다"),
    "documentation": ("What it knows, how well, and its API", "它认识什么、表现如何，以及 API",
                      "아는 것, 정확도, API"),
    "back": ("Back to the page", "返回页面", "페이지로 돌아가기"),
    "private": ("Your pictures stay in this server's memory while they are judged and are not "
                "stored.", "您的图片只在识别时留在服务器内存中，不会被保存。",
                "사진은 판별하는 동안만 서버 메모리에 있으며 저장되지 않습니다."),
    "error": ("That did not work", "未能完成", "처리하지 못했습니다"),
    "skip": ("Skip to the content", "跳到正文", "본문으로 건너뛰기"),
}
WORDS = {language: {name: texts[place] for name, texts in _TEXTS.items()}
         for place, language in enumerate(LANGUAGES)}


def chosen_language(request: Request) -> str:
    """Return the language of a request: ?lang=, else the browser's, else English."""
    asked = request.args.get("lang", "")
    return asked if asked in LANGUAGES else request.accept_languages.best_match(
        list(LANGUAGES)) or "en"
