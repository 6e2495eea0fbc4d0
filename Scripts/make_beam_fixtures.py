#!/usr/bin/env python3
"""Writes what transformers' beam search finds with the weights of make_translation_fixtures.py, for our tests to agree with.

    peers/bin/python Scripts/make_beam_fixtures.py

writes Tests/Fixtures/beams.json: for each model and setting the sources, and for each the translations with their scores
(the sum of log-probabilities over length^penalty), the best first. So that sentences end, `</s>` is made
much like another token: its embedding becomes 0.9 times that one's, after all embeddings were halved.
"""
import json
import os

import torch
from safetensors.numpy import load_file

import make_translation_fixtures as fixtures

SETTINGS = [
    dict(num_beams=4, length_penalty=1.0, early_stopping=False),
    dict(num_beams=5, length_penalty=0.6, early_stopping=False),
    dict(num_beams=3, length_penalty=0.0, early_stopping=True),
    dict(num_beams=2, length_penalty=2.0, early_stopping=False),
]

END_LIKE = {"marian": 7, "marian-gelu": 3, "pegasus": 19}


def main():
    torch.set_num_threads(1)
    tensors = load_file(os.path.join(fixtures.FOLDER, "translators.safetensors"))
    cases = []
    for name, c in fixtures.CASES.items():
        ours = {k: torch.tensor(tensors[f"{name}/weights/{k}"]) for k, _ in fixtures.shapes(c)}
        ours["tokenEmbedding"] *= 0.5
        ours["tokenEmbedding"][0] = 0.9 * ours["tokenEmbedding"][END_LIKE[name]]
        model = fixtures.model_of(c, torch.float32)
        model.load_state_dict(fixtures.theirs(ours, c), strict=False)
        model.tie_weights()
        model.final_logits_bias[0, -1] = -1e9
        lengths = tensors[f"{name}/sourceLengths"]
        sources = [row[:n].tolist() for row, n in zip(tensors[f"{name}/source"], lengths)]
        for setting in SETTINGS:
            found = []
            for source in sources:
                out = model.generate(
                    torch.tensor([source]), max_new_tokens=c["context"], do_sample=False, output_scores=True,
                    num_return_sequences=setting["num_beams"], return_dict_in_generate=True, forced_eos_token_id=None,
                    **setting)
                translations = []
                for ids, score in zip(out.sequences.tolist(), out.sequences_scores.tolist()):
                    ids = ids[1:]
                    pad = c["vocabulary"] - 1
                    while ids and ids[-1] == pad:
                        ids.pop()
                    if ids and ids[-1] == 0:
                        ids.pop()
                    translations.append(dict(ids=ids, score=score))
                found.append(translations)
            cases.append(dict(model=name, endLike=END_LIKE[name], beam=setting["num_beams"], lengthPenalty=setting["length_penalty"],
                              stopsEarly=setting["early_stopping"], sources=[s[:-1] for s in sources], found=found))
    with open(os.path.join(fixtures.FOLDER, "beams.json"), "w") as file:
        json.dump(cases, file, separators=(",", ":"))
        file.write("\n")
    print(len(cases), "cases", sorted({len(t["ids"]) for case in cases for f in case["found"] for t in f}))


if __name__ == "__main__":
    main()
