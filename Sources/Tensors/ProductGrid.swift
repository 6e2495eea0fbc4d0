internal import MiniGPTPlatform

/// How a product is cut: a part of the work owns a block of the result, and goes through the depth in steps.
///
/// No element's bits depend on it: each is one chain over the depth.
struct ProductGrid {
  let rowsPerBlock: Int
  let columnsPerBlock: Int
  let blockRows: Int
  let blockColumns: Int
  /// Words of the depth in a step.
  let wordsPerStep: Int
  let steps: Int

  var parts: Int { blockRows * blockColumns }

  /// Most words of the depth in a step: a strip of the left factor, 12 × 512 words, fills most of the first-level cache,
  /// and the tile's 24 fused multiply-adds a word leave time to stream the panel from the second.
  static let longestStep = 512
  /// Most words of the right factor that a thread keeps packed, whatever the processor.
  static let mostPackedWords = 160 * 1024
  /// So many here.
  static let packedWords = packedWords(secondLevelCache: CacheSize.secondLevel ?? 1 << 20)

  /// Five eighths of the second-level cache, and 640 KB where that is more: the rest is for what streams through it.
  static func packedWords(secondLevelCache bytes: Int) -> Int {
    min(mostPackedWords, max(16 * 1024, bytes / 8 * 5 / 4))
  }

  /// What preparing a word of a panel, or of a strip, costs in cycles.
  struct PackingCost {
    var panelWord: Double
    var stripWord: Double
  }

  /// The cheapest of some divisions: few blocks pack less, many blocks keep all threads busy to the end.
  ///
  /// - Parameter splitsRows: whether each thread should have rows of its own, because the operations before and behind
  ///   the product are cut by rows: then a core finds in its caches what it wrote itself.
  init(
    rows: Int, columns: Int, words: Int, tileRows: Int, tileColumns: Int, packing: PackingCost, threads: Int,
    splitsRows: Bool
  ) {
    steps = max(1, (words + Self.longestStep - 1) / Self.longestStep)
    wordsPerStep = (words + steps - 1) / steps
    let strips = (rows + tileRows - 1) / tileRows, panels = (columns + tileColumns - 1) / tileColumns
    let mostPanels = max(1, Self.packedWords / (tileColumns * max(1, wordsPerStep)))
    let tile = Double(2 * tileRows * words + 60 * steps)
    var best = Double.infinity, chosen = (strips: strips, panels: min(panels, mostPanels))
    let fewest = splitsRows && strips >= 4 * threads ? threads : 1
    for i in Self.divisions.indices where Self.divisions[i] <= strips && Self.divisions[i] >= fewest {
      for j in Self.divisions.indices where Self.divisions[j] <= panels {
        let rowBlocks = Self.divisions[i], columnBlocks = Self.divisions[j]
        let stripsPerBlock = (strips + rowBlocks - 1) / rowBlocks
        let panelsPerBlock = min(mostPanels, (panels + columnBlocks - 1) / columnBlocks)
        let across = (panels + panelsPerBlock - 1) / panelsPerBlock
        let down = (strips + stripsPerBlock - 1) / stripsPerBlock
        let part =
          Double(stripsPerBlock * panelsPerBlock) * tile + Double(panelsPerBlock * words) * packing.panelWord
          + Double(stripsPerBlock * words) * packing.stripWord
        // The thread with the most parts ends last; threads that are not equally fast even out only between parts.
        let most = (down * across + threads - 1) / threads
        let time = (Double(most) + (threads == 1 ? 0 : Self.unevenness)) * part
        if time < best { (best, chosen) = (time, (stripsPerBlock, panelsPerBlock)) }
      }
    }
    rowsPerBlock = chosen.strips * tileRows
    columnsPerBlock = chosen.panels * tileColumns
    blockRows = (strips + chosen.strips - 1) / chosen.strips
    blockColumns = (panels + chosen.panels - 1) / chosen.panels
  }

  /// For one thread: blocks as wide as its packed panels allow, which need no comparison.
  init(rows: Int, columns: Int, words: Int, tileRows: Int, tileColumns: Int) {
    steps = max(1, (words + Self.longestStep - 1) / Self.longestStep)
    wordsPerStep = (words + steps - 1) / steps
    let panels = (columns + tileColumns - 1) / tileColumns
    let mostPanels = max(1, Self.packedWords / (tileColumns * max(1, wordsPerStep)))
    let across = (panels + mostPanels - 1) / mostPanels
    rowsPerBlock = (rows + tileRows - 1) / tileRows * tileRows
    columnsPerBlock = (panels + across - 1) / across * tileColumns
    blockRows = 1
    blockColumns = (columns + columnsPerBlock - 1) / columnsPerBlock
  }

  /// How much of a part one thread may be behind another.
  private static let unevenness = 0.05
  private static let divisions: InlineArray<12, Int> = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128]
}
