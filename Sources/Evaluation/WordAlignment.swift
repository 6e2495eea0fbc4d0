package import MiniGPTTokenization
package import MiniGPTTransformer

/// Which word of the source each word of a translation looked at most: attention as the alignment that nobody taught.
///
/// Words are what stands between white space. A word's weights are those of its tokens: added over the source's, averaged
/// over the target's; `</s>` of either side counts for no word.
package struct WordAlignment: Sendable {
  package let source: [[UInt8]]
  package let target: [[UInt8]]
  /// For each word of the target, how much it looked at each word of the source.
  package let weights: [[Float]]

  package init(source: [Int32], target: [Int32], weights tokens: PlainMatrix<Float>, _ tokenizer: any Tokenizer) {
    let (sourceWords, sourcePlaces) = Self.words(source, tokenizer)
    let (targetWords, targetPlaces) = Self.words(target, tokenizer)
    var weights = [[Float]](repeating: [Float](repeating: 0, count: sourceWords.count), count: targetWords.count)
    var counts = [Float](repeating: 0, count: targetWords.count)
    for (t, word) in targetPlaces.enumerated() where word >= 0 {
      counts[word] += 1
      for (s, place) in sourcePlaces.enumerated() where place >= 0 { weights[word][place] += tokens[t, s] }
    }
    for word in targetWords.indices { weights[word] = weights[word].map { $0 / max(1, counts[word]) } }
    self.source = sourceWords
    self.target = targetWords
    self.weights = weights
  }

  /// The word of the source that a word of the target looked at most; nil where there is none.
  package func most(_ target: Int) -> Int? {
    weights[target].indices.max { weights[target][$0] < weights[target][$1] }
  }

  /// The words of a sentence, and which of them each token is part of; -1 for white space alone.
  private static func words(_ ids: [Int32], _ tokenizer: any Tokenizer) -> (words: [[UInt8]], places: [Int]) {
    var words: [[UInt8]] = [], places: [Int] = [], isInside = false
    for id in ids {
      var place = -1
      for byte in tokenizer.isSpecial(id) ? [] : tokenizer.bytes(of: id) {
        let isSpace = byte == 0x20 || 9...13 ~= byte
        if !isSpace {
          if !isInside { words.append([]) }
          words[words.count - 1].append(byte)
          if place < 0 { place = words.count - 1 }
        }
        isInside = !isSpace
      }
      places.append(place)
    }
    return (words, places)
  }
}
