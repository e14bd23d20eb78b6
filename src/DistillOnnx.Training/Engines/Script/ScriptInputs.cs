using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines.Script;

/// <summary>A micro-batch as <c>step.py</c> takes it.</summary>
/// <param name="Sources">The encoder's five tensors.</param>
/// <param name="Targets">The decoder's six tensors.</param>
/// <param name="Parts">Four tensors of each part.</param>
/// <param name="Sets">The sets of allowed tokens.</param>
/// <param name="Rows">Rows of the grids.</param>
internal sealed record ScriptInputs(Tensor[] Sources, Tensor[] Targets, Tensor[] Parts, Tensor Sets, int Rows);
