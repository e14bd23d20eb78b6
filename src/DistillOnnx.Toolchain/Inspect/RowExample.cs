namespace DistillOnnx.Toolchain.Inspect;

/// <summary>An example row.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Size">What was counted: characters, or tokens.</param>
/// <param name="Text">The beginning of its input, or its label.</param>
public sealed record RowExample(string Id, int Size, string Text);
