/// Merges a long piece in n log n steps: its tokens as a linked list, its pairs in a heap.
struct LongPieceMerger: Sendable {
  private struct Node {
    var token: Int32
    var previous: Int32
    var next: Int32
    /// Of the pair that begins here; the largest number for none.
    var rank: Int32
  }

  private var nodes: [Node] = []
  /// Rank in the upper half, place in the lower: the lowest rank first, of these the leftmost. A node has four
  /// children, which lie side by side: half as deep as with two, and memory is waited for half as often.
  private var heap: [UInt64] = []

  /// Replaces tokens by what they become.
  mutating func merge(_ tokens: inout [Int32], _ tokenizer: BytePairTokenizer) {
    let count = tokens.count
    nodes.removeAll(keepingCapacity: true)
    heap.removeAll(keepingCapacity: true)
    for place in 0..<count {
      let rank = place + 1 < count ? tokenizer.rank(tokens[place], tokens[place + 1]) : Int32.max
      nodes.append(
        Node(
          token: tokens[place], previous: Int32(place - 1), next: place + 1 < count ? Int32(place + 1) : -1, rank: rank)
      )
      if rank < Int32.max { heap.append(Self.entry(rank, place)) }
    }
    for place in stride(from: (heap.count + 2) / 4 - 1, through: 0, by: -1) { sink(heap[place], from: place) }
    while let top = pop() {
      let place = Int(top & 0xFFFF_FFFF)
      // The pair that was entered here may have changed since.
      if UInt64(UInt32(bitPattern: nodes[place].rank)) != top >> 32 { continue }
      let second = Int(nodes[place].next)
      nodes[place].token = tokenizer.result(nodes[place].token, nodes[second].token)
      let after = nodes[second].next
      nodes[place].next = after
      nodes[second].rank = Int32.max
      if after >= 0 { nodes[Int(after)].previous = Int32(place) }
      rankPair(at: place, tokenizer)
      if nodes[place].previous >= 0 { rankPair(at: Int(nodes[place].previous), tokenizer) }
    }
    tokens.removeAll(keepingCapacity: true)
    var place: Int32 = count > 0 ? 0 : -1
    while place >= 0 {
      tokens.append(nodes[Int(place)].token)
      place = nodes[Int(place)].next
    }
    if count > 1 << 16 { self = LongPieceMerger() }
  }

  private mutating func rankPair(at place: Int, _ tokenizer: BytePairTokenizer) {
    let next = nodes[place].next
    let rank = next < 0 ? Int32.max : tokenizer.rank(nodes[place].token, nodes[Int(next)].token)
    nodes[place].rank = rank
    if rank < Int32.max { push(Self.entry(rank, place)) }
  }

  private static func entry(_ rank: Int32, _ place: Int) -> UInt64 {
    UInt64(UInt32(bitPattern: rank)) << 32 | UInt64(place)
  }

  private mutating func push(_ entry: UInt64) {
    var place = heap.count
    heap.append(entry)
    while place > 0 {
      let parent = (place - 1) / 4
      if heap[parent] <= entry { break }
      heap[place] = heap[parent]
      place = parent
    }
    heap[place] = entry
  }

  private mutating func pop() -> UInt64? {
    guard let top = heap.first, let last = heap.popLast() else { return nil }
    if !heap.isEmpty { sink(last, from: 0) }
    return top
  }

  private mutating func sink(_ entry: UInt64, from start: Int) {
    var place = start
    while true {
      let first = place * 4 + 1
      if first >= heap.count { break }
      var child = first
      for other in first + 1..<min(first + 4, heap.count) where heap[other] < heap[child] { child = other }
      if heap[child] >= entry { break }
      heap[place] = heap[child]
      place = child
    }
    heap[place] = entry
  }
}
