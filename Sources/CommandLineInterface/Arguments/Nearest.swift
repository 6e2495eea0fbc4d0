/// The candidate that a mistyped word is most likely meant to be, within two letters; the first of equals.
func nearest(to word: String, in candidates: [String]) -> String? {
  let typed = Array(word.utf8)
  // Of a short word two letters are most of it.
  let most = typed.count < 4 ? 1 : 2
  let near = candidates.map { (name: $0, distance: distance(typed, Array($0.utf8))) }.filter { $0.distance <= most }
  return near.min { $0.distance < $1.distance }?.name
}

/// "; the nearest is --steps", or nothing where nothing is near.
func suggestion(_ nearest: String?) -> String { nearest.map { "; the nearest is \($0)" } ?? "" }

/// How many keystrokes are wrong: letters missing, added, replaced, or two neighbours swapped.
///
/// Optimal string alignment (Damerau 1964), three rows. A word that is merely cut short counts less than one that
/// differs, so that `--max-new` finds `--max-new-tokens`. Words beyond 100 letters are compared by their start.
private func distance(_ typed: [UInt8], _ known: [UInt8]) -> Int {
  let typed = typed.prefix(100).map { $0 }
  if typed.count >= 3, known.starts(with: typed) { return 1 }
  var beforeLast = [Int](repeating: 0, count: known.count + 1)
  var last = Array(0...known.count)
  for i in typed.indices {
    var row = [i + 1]
    for j in known.indices {
      let replaced = last[j] + (typed[i] == known[j] ? 0 : 1)
      var best = min(replaced, last[j + 1] + 1, row[j] + 1)
      if i > 0, j > 0, typed[i] == known[j - 1], typed[i - 1] == known[j] { best = min(best, beforeLast[j - 1] + 1) }
      row.append(best)
    }
    (beforeLast, last) = (last, row)
  }
  return last[known.count]
}
