// Everything that a program needs, under one import.
@_exported public import MiniGPTBenchmarks
@_exported public import MiniGPTCheckpoints
@_exported public import MiniGPTDatasets
@_exported public import MiniGPTEvaluation
@_exported public import MiniGPTGeneration
@_exported public import MiniGPTInterchange
@_exported public import MiniGPTParallel
@_exported public import MiniGPTStorage
@_exported public import MiniGPTTensors
@_exported public import MiniGPTTokenization
@_exported public import MiniGPTTraining
@_exported public import MiniGPTTransformer
