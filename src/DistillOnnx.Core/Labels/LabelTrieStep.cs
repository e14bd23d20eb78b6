namespace DistillOnnx.Core.Labels;

/// <summary>A choice on a label's path.</summary>
/// <param name="Node">Index of the branching in <see cref="LabelTrie.Nodes"/>.</param>
/// <param name="Child">Position of the token taken among the node's children.</param>
public readonly record struct LabelTrieStep(int Node, int Child);
