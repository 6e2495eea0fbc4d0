// Everything that a program needs, under one import.
@_exported public import Checkpoints
@_exported public import Datasets
@_exported public import Generation
@_exported public import Parallel
@_exported public import Storage
@_exported public import Tensors
@_exported public import Tokenization
@_exported public import Training
@_exported public import Transformer
