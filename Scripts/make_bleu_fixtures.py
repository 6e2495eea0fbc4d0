#!/usr/bin/env python3
"""Writes Tests/Fixtures/bleu.json: what sacreBLEU makes of sentences that are hard to cut and to count.

    pip install sacrebleu
    python Scripts/make_bleu_fixtures.py

Each corpus has its translations, its references and, for both tokenizers and both ways with capitals, sacreBLEU's score,
precisions, counts and signature. The sentences are put together from awkward parts by a fixed seed.
"""
import json
import os
import random

from sacrebleu.metrics import BLEU
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

PARTS = [
    "the", "cat", "The", "CAT", "isn't", "rock'n'roll", "3.14", "1,000", "1,000.5", ".5", "5.", "...", "..", ",,", ".,", "2-3",
    "x-y", "7-", "-7", "U.S.", "e.g.,", "(a)", "[b]", "{c}", "a/b", "50%", "$9.99", "#1", "@me", "&amp;", "&quot;", "&lt;b&gt;",
    "&amp;lt;", "&apos;", "<skipped>", "well<skipped>done", "«oui»", "„ja“", "¿qué?", "¡sí!", "naïve", "ÉCOLE", "Straße", "İstanbul",
    "ΟΔΟΣ", "ΣΑΣ", "Σ", "ΑΣ.", "中文。", "「字」", "ـعربي،", "हिन्दी।", "a\u00a0b", "a\u3000b", "a\u2009b", "a\u200bb", "a\u0085b", "a\u001cb",
    "–", "—", "’s", "…", "١٢٣", "1٫5", "٣.٤", "½.", "e\u0301.", "\U0001f600.", "\ufeff", "~", "^", "`x`", "\\", "|", "_", "=", "+",
    "a*b", "'", "''", "'.'", ";", ":-)", "?!", "\u00adx", "ǅ", "ﬁ", "Ⅷ", "9.-", ".-9", "9-.", "0,a", "a,0", "\t",
]


def sentence(source, most):
    return " ".join(source.choice(PARTS) for _ in range(source.randrange(most)))


def changed(source, text):
    """A reference that is like the translation, but not everywhere."""
    words = text.split(" ")
    for _ in range(source.randrange(4)):
        place = source.randrange(len(words) + 1)
        act = source.randrange(3)
        if act == 0:
            words.insert(place, source.choice(PARTS))
        elif act == 1 and words:
            words.pop(place % len(words))
        elif words:
            words[place % len(words)] = words[place % len(words)].swapcase()
    return " ".join(words)


def corpora():
    source = random.Random(20)
    yield "perfect", [("the cat is on the mat .", "the cat is on the mat .")]
    yield "nothing", [("a b c d e", "v w x y z")]
    yield "empty", [("", "the cat")]
    yield "both empty", [("", "")]
    yield "short", [("the cat", "the cat")]
    yield "clipped", [("the the the the the the the", "the cat is on the mat")]
    yield "smoothed", [("the big cat sat", "the cat big sat"), ("on a mat", "at a mat")]
    yield "brief", [("the cat", "the cat is on the mat in the house"), ("it is raining today", "it is raining today")]
    for number in range(12):
        pairs = []
        for _ in range(12):
            text = sentence(source, 14)
            pairs.append((text, changed(source, text)))
        yield "mixed %d" % number, pairs


def main():
    cut, cases = Tokenizer13a(), []
    for name, pairs in corpora():
        translations, references = [p[0] for p in pairs], [p[1] for p in pairs]
        case = {"name": name, "translations": translations, "references": references, "scores": []}
        for tokenize in ["13a", "none"]:
            for lowercase in [False, True]:
                metric = BLEU(tokenize=tokenize, lowercase=lowercase, force=True)
                score = metric.corpus_score(translations, [references])
                case["scores"].append({
                    "tokenize": tokenize, "lowercase": lowercase, "score": score.score, "precisions": score.precisions,
                    "counts": score.counts, "totals": score.totals, "length": score.sys_len, "reference": score.ref_len,
                    "penalty": score.bp, "signature": str(metric.get_signature()),
                })
        cases.append(case)
    words = [{"text": part, "words": cut(part.rstrip()).split()} for part in PARTS]
    words += [{"text": t, "words": cut(t.rstrip()).split()} for case in cases for t in case["translations"][:3]]
    path = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "Tests", "Fixtures", "bleu.json")
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        json.dump({"corpora": cases, "words": words}, file, ensure_ascii=True, indent=0, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
