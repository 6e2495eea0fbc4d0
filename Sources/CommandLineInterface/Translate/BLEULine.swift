internal import MiniGPT

/// The score as sacreBLEU prints it.
func bleuLine(_ bleu: BLEU) -> String {
  let precisions = bleu.precisions.map { fixed($0, 1) }.joined(separator: "/")
  let ratio = bleu.referenceLength == 0 ? 0 : Double(bleu.length) / Double(bleu.referenceLength)
  return "BLEU|\(bleu.signature) = \(fixed(bleu.score, 2)) \(precisions) (BP = \(fixed(bleu.brevityPenalty, 3))"
    + " ratio = \(fixed(ratio, 3)) hyp_len = \(bleu.length) ref_len = \(bleu.referenceLength))"
}

/// "6–10", "61 and more".
func lengthName(_ words: ClosedRange<Int>) -> String {
  words.upperBound == .max ? "\(words.lowerBound) and more" : "\(words.lowerBound)–\(words.upperBound)"
}
