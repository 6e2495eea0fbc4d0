import MiniGPT

// Learns a text of your own in a minute, then continues it: example TEXT CHECKPOINT
let arguments = CommandLine.arguments
var configuration = TrainingConfiguration()
configuration.steps = 200
let setup = TrainingSetup(
  try TextCorpus([arguments[1]]), tokenizer: .characters,
  shape: GPTConfiguration(vocabularySize: 0, context: 32, layers: 2, heads: 2, width: 64), configuration: configuration)
try setup.train(to: arguments[2]) { step, loss in
  if step % 50 == 0 { print("step \(step): loss \(loss)") }
  return true
}
let model = try LanguageModel(arguments[2])
print(try model.generate("the ", tokens: 80))
