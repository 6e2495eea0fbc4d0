import MiniGPTTensors
import MiniGPTTestSupport
import Testing
import MiniGPTTransformer

/// What a position may depend on, to the last bit.
@Suite struct CausalityTests {
  static let variants: [GPTConfiguration] =
    Positions.allCases.flatMap { positions in
      NormPlacement.allCases.flatMap { norm in
        Activation.allCases.map { activation in
          GPTConfiguration(
            vocabularySize: 19, context: 131, layers: 2, heads: 3, width: 18, feedForwardWidth: 37,
            positions: positions, norm: norm, activation: activation)
        }
      }
    } + BlockVariant.all.map { $0.text(vocabularySize: 19, context: 131, layers: 2) }

  /// Lengths on both sides of the edges of attention's tiles.
  @Test(arguments: InstructionSet.available, [2, 63, 64, 65, 130])
  func laterTokensChangeNoEarlierBit(set: InstructionSet, length: Int) throws {
    for configuration in Self.variants {
      let run = try GPTRun(configuration, batch: 1, length: length, set: set)
      var ids = someIds(length, configuration.vocabularySize)
      let before = run.hidden(ids), logits = run.logits(), width = configuration.width
      for place in Set([1, length / 2, length - 1]) {
        ids[place] = (ids[place] + 1) % Int32(configuration.vocabularySize)
        let after = run.hidden(ids), changed = run.logits()
        ids[place] = (ids[place] + Int32(configuration.vocabularySize) - 1) % Int32(configuration.vocabularySize)
        let rows = 0..<place * width, columns = 0..<place * configuration.vocabularySize
        #expect(bits(Array(after[rows])) == bits(Array(before[rows])), "\(configuration), \(place) of \(length)")
        #expect(
          bits(Array(changed[columns])) == bits(Array(logits[columns])), "\(configuration), \(place) of \(length)")
        // Every place from there on sees the change.
        for later in place..<length {
          let row = later * width..<(later + 1) * width
          #expect(after[row] != before[row], "\(configuration), \(later) after \(place) of \(length)")
        }
      }
    }
  }

  @Test(arguments: InstructionSet.available) func shorterTextIsThePrefixOfALongerOne(set: InstructionSet) throws {
    for configuration in Self.variants {
      let ids = someIds(131, configuration.vocabularySize), width = configuration.width
      let whole = try GPTRun(configuration, batch: 1, length: 131, set: set).hidden(ids)
      for length in [1, 2, 15, 63, 64, 65, 127, 128, 129] {
        let part = try GPTRun(configuration, batch: 1, length: length, set: set).hidden(Array(ids[..<length]))
        #expect(bits(part) == bits(Array(whole[..<(length * width)])), "\(configuration), first \(length)")
      }
    }
  }

  @Test(arguments: InstructionSet.available) func aTextAloneHasTheBitsItHasInABatch(set: InstructionSet) throws {
    for configuration in Self.variants {
      for length in [1, 5, 67] {
        let alone = try GPTRun(configuration, batch: 1, length: length, set: set)
        let five = try GPTRun(configuration, batch: 5, length: length, set: set)
        let ids = someIds(5 * length, configuration.vocabularySize)
        let together = five.hidden(ids), logits = five.logits(), vocabulary = configuration.vocabularySize
        for sample in 0..<5 {
          let rows = sample * length..<(sample + 1) * length
          let expected = alone.hidden(Array(ids[rows])), width = configuration.width
          #expect(
            bits(Array(together[rows.lowerBound * width..<rows.upperBound * width])) == bits(expected),
            "\(configuration), \(sample) of 5, length \(length)")
          #expect(
            bits(Array(logits[rows.lowerBound * vocabulary..<rows.upperBound * vocabulary])) == bits(alone.logits()),
            "\(configuration), \(sample) of 5, length \(length)")
        }
      }
    }
  }

  /// Without a way back the blocks share their places.
  @Test(arguments: InstructionSet.available) func memoryWithoutTrainingGivesTheSameBits(set: InstructionSet) throws {
    for configuration in Self.variants {
      let ids = someIds(2 * 70, configuration.vocabularySize)
      let training = try GPTRun(configuration, batch: 2, length: 70, set: set)
      let plain = try GPTRun(configuration, batch: 2, length: 70, set: set, .inference, logitRows: 140)
      #expect(bits(plain.hidden(ids)) == bits(training.hidden(ids)), "\(configuration)")
      #expect(bits(plain.logits()) == bits(training.logits()), "\(configuration)")
      #expect(plain.floats < training.floats)
    }
  }
}
