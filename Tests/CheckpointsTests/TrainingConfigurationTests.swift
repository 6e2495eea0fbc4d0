import MiniGPTCheckpoints
import MiniGPTStorage
import MiniGPTTestSupport
import Testing

/// Loops over the table: a new field is tested when its row is there.
@Suite struct TrainingConfigurationTests {
  @Test func everyPropertyHasARow() {
    #expect(Mirror(reflecting: TrainingConfiguration()).children.count == TrainingConfiguration.fields.count)
    let names = TrainingConfiguration.fields.flatMap(\.names)
    #expect(Set(names).count == names.count)
  }

  @Test func everyRowKeepsItsPromises() throws {
    #expect(try problems(of: TrainingConfiguration()) == [])
  }

  @Test func whatMayChangeOnResumeIsFew() {
    let free = TrainingConfiguration.fields.filter { !$0.isFixed }.map(\.name)
    #expect(free == ["steps", "eval-every", "save-every", "patience"])
  }

  /// As the first program wrote it.
  @Test func theJSONIsThatOfVersionOne() throws {
    let text = String(decoding: try JSONWriter.write(TrainingConfiguration().json), as: UTF8.self)
    #expect(
      text == #"{"steps":2000,"batch_size":12,"batch_tokens":4096,"grad_accum":1,"lr":0.001,"min_lr":0.0001,"#
        + #""warmup":100,"schedule":"cosine","weight_decay":0.1,"beta1":0.9,"beta2":0.99,"grad_clip":1.0,"#
        + #""dropout":0.0,"label_smoothing":0.0,"average":1,"seed":"0000000000000539","val_fraction":0.1,"#
        + #""eval_every":250,"save_every":250,"patience":0,"best_by":"loss","precision":"fp32","lines":false}"#)
  }

  @Test func impossibleValuesAreNamed() throws {
    for field in TrainingConfiguration.fields {
      let outside: [JSON] =
        switch field.range {
        case .any: []
        case .integers(let range): [JSON(range.lowerBound - 1), JSON(range.upperBound + 1)]
        case .nonNegative: [-0.5, .number(.infinity), .number(.nan)]
        case .fraction: [-0.5, 1.0, .number(.nan)]
        }
      for json in outside {
        var configuration = TrainingConfiguration()
        try field.read(JSONField(json, source: field.name), into: &configuration)
        let error = #expect(throws: TrainingConfigurationError.self) { try configuration.validate() }
        #expect(
          error.map { "\($0)" } == "impossible value for \(field.name): expected \(field.range.expected)")
      }
    }
    try TrainingConfiguration().validate()
  }
}
