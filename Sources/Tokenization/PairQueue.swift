/// The pairs that wait to be merged: the most frequent first, of equally frequent ones that with the smaller ids.
struct PairQueue {
  struct Entry {
    let count: Int64
    let key: UInt64
    let pair: Int32

    @inline(__always)
    func precedes(_ other: Entry) -> Bool {
      count != other.count ? count > other.count : key < other.key
    }
  }

  private var heap: [Entry] = []

  mutating func push(_ entry: Entry) {
    var place = heap.count
    heap.append(entry)
    while place > 0 {
      let parent = (place - 1) / 2
      if !entry.precedes(heap[parent]) { break }
      heap[place] = heap[parent]
      place = parent
    }
    heap[place] = entry
  }

  mutating func pop() -> Entry? {
    guard let top = heap.first, let last = heap.popLast() else { return nil }
    if heap.isEmpty { return top }
    var place = 0
    while true {
      var child = place * 2 + 1
      if child >= heap.count { break }
      if child + 1 < heap.count && heap[child + 1].precedes(heap[child]) { child += 1 }
      if !heap[child].precedes(last) { break }
      heap[place] = heap[child]
      place = child
    }
    heap[place] = last
    return top
  }
}
