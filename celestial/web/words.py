"""Holds every text of the page in each language."""

from flask import Request

LANGUAGES = {"en": "English", "zh": "中文", "ko": "한국어"}
_PAGE = {
    "title": ("What is in this picture?", "这张图片里是什么？", "이 사진에는 무엇이 있을까요?"),
    "intro": (
        "Drop photographs of celestial objects here. You get what each one shows, how sure that "
        "is, and the place in the picture that decided.",
        "把天体的照片拖到这里，即可得知每张照片的内容、可信程度，以及图片中起决定作用的区域。",
        "천체 사진을 여기에 끌어다 놓으세요. 무엇이 찍혔는지, 얼마나 확실한지, "
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
    "too_large": ("it has {size} MiB; at most {most} can be sent",
                  "大小为 {size} MiB，最多可发送 {most} MiB",
                  "크기가 {size} MiB입니다. {most} MiB까지 보낼 수 있습니다"),
    "remove": ("Remove", "移除", "빼기"),
    "waiting": ("waiting", "等待中", "대기 중"),
    "busy": ("Many pictures are waiting. Trying again.", "等待的图片较多，正在重试。",
             "대기 중인 사진이 많습니다. 다시 시도합니다."),
    "offline": ("The server does not answer", "服务器没有响应", "서버가 응답하지 않습니다"),
    "documentation": ("What it knows, how well, and its API", "它认识什么、表现如何，以及 API",
                      "아는 것, 정확도, API"),
    "back": ("Back to the page", "返回页面", "페이지로 돌아가기"),
    "private": ("Your pictures stay in this server's memory while they are answered and are not "
                "stored.", "您的图片只在识别时留在服务器内存中，不会被保存。",
                "사진은 판별하는 동안만 서버 메모리에 있으며 저장되지 않습니다."),
    "error": ("That did not work", "未能完成", "처리하지 못했습니다"),
    "skip": ("Skip to the content", "跳到正文", "본문으로 건너뛰기"),
}
_DOCUMENTATION = {
    "knows": ("It knows {classes} classes and has learned them from {pictures} pictures:",
              "它认识 {classes} 个类别，由 {pictures} 张图片学得：",
              "클래스 {classes}개를 알며 사진 {pictures}장으로 배웠습니다:"),
    "knows_only": ("It knows {classes} classes:", "它认识 {classes} 个类别：",
                   "클래스 {classes}개를 압니다:"),
    "more": ("and {count} more", "以及另外 {count} 个", "그 밖에 {count}개"),
    "comma": (", ", "、", ", "),
    "measured": ("How well it does", "表现如何", "얼마나 잘하는가"),
    "figure": ("Figure", "指标", "지표"),
    "interval": ("Value (95 % interval)", "数值（95 % 区间）", "값 (95 % 구간)"),
    "on": ("Measured on", "测量所用", "잰 사진"),
    "on_val": ("{pictures} val pictures, by which the epoch was chosen: it flatters {data}",
               "{pictures} 张验证图片，轮次据此选出，因此偏高 {data}",
               "검증 사진 {pictures}장. 에폭을 이것으로 골랐으므로 실제보다 좋게 나옵니다 {data}"),
    "on_test": ("{pictures} pictures of {data}, not used in training",
                "{data} 的 {pictures} 张图片，未用于训练",
                "{data}의 사진 {pictures}장. 훈련에 쓰지 않았습니다"),
    "no_test": ("evaluate_model.py has not measured this model on a test split yet.",
                "尚未用 evaluate_model.py 在测试集上测量此模型。",
                "아직 evaluate_model.py로 시험 사진에서 재지 않았습니다."),
    "accuracy": ("accuracy", "准确率", "정확도"),
    "balanced_accuracy": ("balanced accuracy (mean over the classes)", "平衡准确率（各类平均）",
                          "균형 정확도 (클래스 평균)"),
    "macro_f1": ("macro F1", "宏平均 F1", "매크로 F1"),
    "ece": ("calibration error (ECE; 0 is best)", "校准误差（ECE，越小越好）",
            "보정 오차 (ECE, 0이 가장 좋음)"),
    "accuracy_of_accepted": ("accuracy where it names a class", "给出类别时的准确率",
                             "클래스를 말했을 때의 정확도"),
    "share_unknown": ("share that it calls none of its classes", "判为不属于任何类别的比例",
                      "아는 클래스가 아니라고 한 비율"),
    "how_trained": ("How it was trained", "如何训练", "어떻게 훈련했는가"),
    "network": ("network", "网络", "신경망"),
    "input": ("input", "输入", "입력"),
    "views": ("turned and mirrored views that are averaged", "取平均的旋转与镜像视图数",
              "평균을 내는 회전·거울상 수"),
    "first_weights": ("first weights", "初始权重", "처음 가중치"),
    "trained": ("date", "日期", "날짜"),
    "commit": ("commit of this project", "本项目的提交", "이 프로젝트의 커밋"),
    "torch": ("torch", "torch", "torch"),
    "fails": ("Where it fails", "何时会出错", "어디서 틀리는가"),
    "fails_unknown": (
        "What is none of its classes is not always called so: moons of other planets, comets and "
        "asteroids are at times taken for one.",
        "不属于任何类别的东西并不总能被识别出来：其他行星的卫星、彗星和小行星有时会被误认。",
        "아는 클래스가 아닌 것을 늘 알아보지는 못합니다. 다른 행성의 위성, 혜성, 소행성을 "
        "때로 클래스로 잘못 봅니다."),
    "fails_dim": (
        "Dim, monochrome or very small pictures are named rightly less often, and so are close-ups "
        "without a limb.",
        "昏暗、单色或很小的图片，以及看不到边缘的特写，更容易出错。",
        "어둡거나 흑백이거나 아주 작은 사진, 가장자리가 보이지 않는 근접 사진은 더 자주 틀립니다."),
    "fails_sure": (
        "A probability is calibrated on pictures like those it was validated on; on pictures of "
        "another kind it may promise too much.",
        "概率是在与验证图片相似的图片上校准的，对其他类型的图片可能过于乐观。",
        "확률은 검증 사진과 비슷한 사진에서 보정했습니다. 다른 종류의 사진에서는 지나치게 "
        "높을 수 있습니다."),
    "fails_place": (
        "Grad-CAM shows where the evidence lies to within some dozen pixels; it is no outline of "
        "the object.",
        "Grad-CAM 只能大致显示依据所在的位置（误差几十个像素），并不是天体的轮廓。",
        "Grad-CAM은 근거의 위치를 수십 픽셀 안에서 보여 줄 뿐, 천체의 윤곽이 아닙니다."),
    "api_described": ("describes it to programs. Up to {files} files, {megabytes} MiB together:",
                      "向程序描述了该接口。最多 {files} 个文件，合计 {megabytes} MiB：",
                      "에 프로그램을 위한 설명이 있습니다. 파일 {files}개, 합쳐서 {megabytes} "
                      "MiB까지:"),
    "api_errors": (
        "Errors come as JSON with status and reason: 400 wrong option, 413 too large, 415 not a "
        "form, 422 no picture that can be read, 429 too many requests, 503 busy (Retry-After says "
        "when to try again).",
        "错误以 JSON 返回，含状态码和原因：400 选项错误，413 过大，415 不是表单，"
        "422 没有可读取的图片，"
        "429 请求过多，503 繁忙（Retry-After 说明何时重试）。",
        "오류는 상태와 까닭을 담은 JSON입니다. 400 잘못된 옵션, 413 너무 큼, 415 폼이 아님, "
        "422 읽을 수 있는 사진이 없음, 429 요청이 너무 많음, 503 바쁨 (Retry-After에 다시 시도할 "
        "때가 있음)."),
    "api_run": ("For those who run the server:", "供服务器管理者使用：",
                "서버를 운영하는 사람에게:"),
}


def _by_language(texts: dict[str, tuple[str, ...]]) -> dict[str, dict[str, str]]:
    return {language: {name: each[place] for name, each in texts.items()}
            for place, language in enumerate(LANGUAGES)}


PAGE_WORDS = _by_language(_PAGE)  # for the first page, whose script may switch the language
WORDS = _by_language(_PAGE | _DOCUMENTATION)


def chosen_language(request: Request) -> str:
    """Return the language of a request: ?lang=, else the browser's, else English."""
    asked = request.args.get("lang", "")
    return asked if asked in LANGUAGES else request.accept_languages.best_match(
        list(LANGUAGES)) or "en"
