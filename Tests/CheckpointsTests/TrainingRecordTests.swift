import MiniGPTCheckpoints
import MiniGPTStorage
import Testing

@Suite struct TrainingRecordTests {
  static func record() -> TrainingRecord {
    var configuration = TrainingConfiguration()
    configuration.learningRate = 0.1 + 0.2
    configuration.minimumLearningRate = 1e-300
    configuration.weightDecay = 1.0 / 3
    configuration.seed = .max
    configuration.schedule = .inverseSquareRoot
    configuration.lines = true
    var record = TrainingRecord(
      configuration: configuration, corpusFingerprint: 0x0123_4567_89AB_CDEF, instructionSet: "avx2")
    record.step = 77
    record.validationFingerprint = 5
    record.lastLoss = 2.0.squareRoot()
    record.lastGradientNorm = .leastNonzeroMagnitude
    return record
  }

  private func read(_ text: [UInt8]) throws -> TrainingRecord {
    try TrainingRecord(try JSONField(parsing: text.rawBytes, source: "record"))
  }

  @Test func comesBackToTheLastBit() throws {
    var record = Self.record()
    for index in 1...7 {
      _ = record.add(
        TrainingRecord.Evaluation(step: index * 11, loss: 3 / Double(index), bitsPerByte: 1 / Double(index)))
    }
    let text = try JSONWriter.write(record.json)
    let back = try read(text)
    #expect(back == record)
    #expect(back.lastLoss.bitPattern == record.lastLoss.bitPattern)
    #expect(back.isEvaluated)
    #expect(try JSONWriter.write(back.json) == text)
    record.validationFingerprint = nil
    record.initialWeights = .max
    #expect(try read(JSONWriter.write(record.json)) == record)
    let fresh = TrainingRecord(configuration: TrainingConfiguration(), corpusFingerprint: 0, instructionSet: "x")
    #expect(try read(JSONWriter.write(fresh.json)) == fresh)
  }

  @Test func everyPropertyHasARow() {
    #expect(Mirror(reflecting: Self.record()).children.count == TrainingRecord.fields.count)
  }

  /// As the first program wrote it, with and without what is seldom there.
  @Test func theJSONIsThatOfVersionOne() throws {
    var record = Self.record()
    record.configuration = TrainingConfiguration()
    record.lastGradientNorm = 0.5
    let configuration = String(decoding: try JSONWriter.write(record.configuration.json), as: UTF8.self)
    let plain =
      #"{"step":77,"configuration":\#(configuration),"corpus":"0123456789abcdef","validation":"0000000000000005","#
      + #""instruction_set":"avx2","loss":1.4142135623730951,"grad_norm":0.5,"best":null,"evaluations_since_best":0,"#
      + #""evaluation_count":0,"evaluations":[]}"#
    #expect(String(decoding: try JSONWriter.write(record.json), as: UTF8.self) == plain)
    (record.validationFingerprint, record.isVerse, record.initialWeights) = (nil, true, 255)
    record.keep()
    let full =
      plain.replacing(#""0000000000000005""#, with: "null").dropLast()
      + #","verse":true,"init":"00000000000000ff","kept":[77]}"#
    #expect(String(decoding: try JSONWriter.write(record.json), as: UTF8.self) == full)
    #expect(try read(Array(full.utf8)) == record)
  }

  @Test func theBestHasTheLowestLoss() {
    var record = Self.record(), isBest: [Bool] = [], since: [Int] = []
    for (step, loss) in [5.0, 4, 4, 4.5, 3, 6].enumerated() {
      isBest.append(record.add(TrainingRecord.Evaluation(step: step, loss: loss, bitsPerByte: 0)))
      since.append(record.evaluationsSinceBest)
    }
    #expect(isBest == [true, true, false, false, true, false])
    #expect(since == [0, 0, 1, 2, 0, 1])
    #expect(record.best?.step == 4)
    #expect(record.evaluationCount == 6)
  }

  @Test func isThinnedToAThousandAndKeepsTheLast() throws {
    var record = Self.record()
    for step in 1...5000 {
      _ = record.add(TrainingRecord.Evaluation(step: step, loss: Double(5001 - step), bitsPerByte: 0))
      #expect(record.evaluations.count <= 1000)
      #expect(record.evaluations.last?.step == step)
    }
    #expect(record.evaluations.count > 400)
    #expect(record.evaluationCount == 5000)
    let steps = record.evaluations.map(\.step)
    #expect(steps == steps.sorted() && steps[0] == 1)
    #expect(try read(JSONWriter.write(record.json)) == record)
  }

  @Test(
    arguments: [
      (#""step":77"#, #""step":-1"#, "step"), (#""step":77"#, #""step":"77""#, "step"),
      (#""steps":2000"#, #""steps":-5"#, "configuration"), (#""batch_size":12"#, #""batch_size":0"#, "batch-size"),
      (#""corpus":"0123456789abcdef""#, #""corpus":"xyz""#, "corpus"),
      (#""schedule":"inverse-sqrt""#, #""schedule":"magic""#, "schedule"),
      (#""evaluations":[]"#, #""evaluations":[[1,2]]"#, "three numbers"), (#","lines":true"#, "", "lines"),
      (#""lines":true"#, #""lines":1"#, "lines"),
      (#""lines":true"#, #""lines":true,"widening":"slow""#, "configuration.widening`: is not known to this program"),
      (#""corpus":"#, #""rank":3,"corpus":"#, "rank`: is not known to this program: a newer one wrote it"),
    ]) func refusesWhatIsNone(part: String, other: String, word: String) throws
  {
    let text = String(decoding: try JSONWriter.write(Self.record().json), as: UTF8.self)
    let broken = text.replacing(part, with: other)
    #expect(broken != text)
    let error = #expect(throws: JSONError.self) { _ = try read(Array(broken.utf8)) }
    #expect(error.map { "\($0)" }?.contains(word) == true)
  }
}
