import MiniGPTGeneration
import Testing

@Suite struct BeamSearchTests {
  /// A language whose next token depends on the last one alone; 0 ends.
  static let next: [[Double]] = [
    [0, 0, 0, 0],
    [0.1, 0.2, 0.6, 0.1],
    [0.3, 0.3, 0.1, 0.3],
    [0.9, 0.02, 0.03, 0.05],
  ]
  static let first = [0.05, 0.5, 0.15, 0.3]

  static func probability(_ ids: [Int32]) -> Double {
    var probability = 1.0, row = first
    for id in ids {
      probability *= row[Int(id)]
      row = next[Int(id)]
    }
    return probability
  }

  /// All texts of at most `limit` tokens, their end counted, with their scores; those as long as it need no end.
  static func all(_ limit: Int, _ score: (Double, Int) -> Double) -> [(ids: [Int32], score: Double)] {
    var found: [(ids: [Int32], score: Double)] = [], open: [[Int32]] = [[]]
    for length in 1...limit {
      var longer: [[Int32]] = []
      for ids in open {
        found.append((ids, score(probability(ids + [0]).logarithm, length)))
        for id in 1...3 as ClosedRange<Int32> { longer.append(ids + [id]) }
      }
      if length == limit { found += longer.map { ($0, score(probability($0).logarithm, length)) } }
      open = longer
    }
    return found.sorted { $0.score > $1.score }
  }

  static func run(_ configuration: BeamSearchConfiguration, limit: Int) -> [Translation] {
    var search = BeamSearch(configuration, end: 0, lengthLimit: limit)
    while !search.isDone {
      search.advance(
        search.running.enumerated().flatMap { parent, hypothesis in
          (0..<4).map { id in
            let row = hypothesis.ids.last.map { next[Int($0)] } ?? first
            return BeamSearch.Continuation(
              parent: parent, id: Int32(id), logProbability: hypothesis.logProbability + row[id].logarithm)
          }
        })
    }
    return search.ended
  }

  /// A beam that loses nothing finds the best of all texts.
  @Test(arguments: [0, 0.6, 1, 2], [false, true]) func aWideBeamFindsTheBest(alpha: Double, gnmt: Bool) {
    var configuration = BeamSearchConfiguration()
    configuration.beam = 300
    configuration.hypotheses = 20
    configuration.lengthPenalty = gnmt ? .gnmt(alpha) : .power(alpha)
    let found = Self.run(configuration, limit: 5)
    let expected = Self.all(5) { sum, length in
      func power(_ x: Double) -> Double { (0..<Int(alpha * 10)).reduce(1) { y, _ in y * x.tenthRoot } }
      return gnmt ? sum / (power(5 + Double(length)) / power(6)) : sum / power(Double(length))
    }
    for (a, b) in zip(found.prefix(20), expected) {
      #expect(abs(a.score - b.score) < 1e-9)
      #expect(abs(a.logProbability - Self.probability(a.ids + (a.ids.count == 5 ? [] : [0])).logarithm) < 1e-9)
    }
  }

  /// Whoever wants few of them gets the same, and may have them sooner.
  @Test(arguments: [0, 0.6, 1, 2, -1], [false, true]) func theFirstOfManyAreFoundAlone(alpha: Double, gnmt: Bool) {
    var configuration = BeamSearchConfiguration()
    configuration.lengthPenalty = gnmt ? .gnmt(alpha) : .power(alpha)
    for (beam, limit) in [(2, 4), (3, 12), (5, 9), (8, 30)] {
      configuration.beam = beam
      configuration.hypotheses = beam
      let all = Self.run(configuration, limit: limit)
      for wanted in 1..<beam {
        configuration.hypotheses = wanted
        #expect(Array(Self.run(configuration, limit: limit).prefix(wanted)) == Array(all.prefix(wanted)))
      }
    }
  }

  @Test func greedyTakesTheLikeliest() {
    var configuration = BeamSearchConfiguration()
    configuration.beam = 1
    #expect(Self.run(configuration, limit: 9).map(\.ids) == [[1, 2]])
    #expect(Self.run(configuration, limit: 2).map(\.ids) == [[1, 2]])
    #expect(Self.run(configuration, limit: 1).map(\.ids) == [[1]])
  }

  @Test func stoppingEarlyEndsWithTheFirst() {
    var configuration = BeamSearchConfiguration()
    configuration.beam = 2
    configuration.hypotheses = 2
    configuration.lengthPenalty = .power(2)
    configuration.stopsEarly = true
    let early = Self.run(configuration, limit: 30)
    configuration.stopsEarly = false
    let late = Self.run(configuration, limit: 30)
    #expect(early.count == 2 && late.count == 2)
    #expect(early[0].ids.count < late[0].ids.count && early[0].score < late[0].score)
  }
}

extension Double {
  /// By Newton's method, so that the test needs nobody's functions.
  fileprivate var tenthRoot: Double {
    var x = 1.0
    for _ in 0..<200 {
      var power = 1.0
      for _ in 0..<9 { power *= x }
      x -= (x - self / power) / 10
    }
    return x
  }

  /// By the series of log((1 + y) / (1 - y)).
  fileprivate var logarithm: Double {
    if self <= 0 { return -1e30 }
    var x = self, halves = 0.0
    while x < 0.7 {
      x *= 2
      halves += 1
    }
    while x > 1.4 {
      x /= 2
      halves -= 1
    }
    func series(_ x: Double) -> Double {
      let y = (x - 1) / (x + 1)
      var term = y, sum = 0.0
      for n in stride(from: 1.0, to: 60, by: 2) {
        sum += term / n
        term *= y * y
      }
      return 2 * sum
    }
    return series(x) - halves * series(2)
  }
}
